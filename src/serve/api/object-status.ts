// What can be said of an object from the object alone.
import { configCodes } from "../../config/errors.ts";
import { apiVersionOf } from "../../config/kind.ts";
import { namespaceKind } from "../../config/namespace/namespace.ts";
import { validateObject } from "../../config/validate.ts";
import type { StatusProvider } from "./render-object.ts";

/** Pending fields that one condition names. */
const namedFields = 8;

/**
 * Namespaces are Active; an object whose fields are not all carried out has the condition `CarriedOut` False, with the
 * shape of Istio's conditions (IstioCondition).
 */
export const objectStatus: StatusProvider = ({ kind, config }) => {
  if (kind === namespaceKind) return { phase: "Active" };
  if (kind.root !== "spec") return undefined;
  const object = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: config.meta, spec: config.spec };
  const paths = validateObject(kind, object)
    .filter((problem) => problem.code === configCodes.notCarriedOut)
    .map((problem) => problem.path ?? "");
  if (paths.length === 0) return undefined;
  const rest = paths.length - namedFields;
  const message = `valid, but proxies do not act on it yet: ${paths.slice(0, namedFields).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
  return { conditions: [{ type: "CarriedOut", status: "False", reason: "PendingFields", message }] };
};
