// Names in `gateways`: `mesh`, `name` or `namespace/name`.
import { isNamespaceName, isObjectName } from "../metadata.ts";
import type { Rule } from "../schema.ts";

/** The reserved name that means all sidecars of the mesh. */
export const meshGateway = "mesh";

export const gatewayName: Rule<string> = {
  message: "must be mesh, the name of a gateway, or namespace/name",
  test: (text) => {
    const [first = "", second, ...rest] = text.split("/");
    if (rest.length > 0) return false;
    return second === undefined ? isObjectName(first) : isNamespaceName(first) && isObjectName(second);
  },
};
