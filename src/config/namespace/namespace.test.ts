import { smallKindSuite } from "../small-kind.suite.ts";
import { namespaceKind } from "./namespace.ts";

smallKindSuite(namespaceKind, [{ finalizers: ["kubernetes"] }], []);
