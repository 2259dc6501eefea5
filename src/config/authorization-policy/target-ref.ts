// PolicyTargetReference: an object that a policy attaches to (istio.type.v1beta1.PolicyTargetReference).
import { object, type Rule, type SpecOf, string } from "../schema.ts";

const sameNamespace: Rule<string> = {
  message: "references to other namespaces are not supported",
  test: (namespace) => namespace === "",
};

export function policyTargetReference(options: { description: string; pending?: boolean }) {
  return object(
    {
      group: string({
        description: "API group of the object; empty for Kubernetes' core.",
        maxLength: 253,
        pattern: "^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
      }),
      kind: string({
        description: "Kind of the object: Gateway, GatewayClass, Service or ServiceEntry.",
        minLength: 1,
        maxLength: 63,
        pattern: "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$",
      }),
      name: string({ description: "Name of the object.", minLength: 1, maxLength: 253 }),
      namespace: string({
        description: "Must be empty: the object is in the policy's namespace.",
        rules: [sameNamespace],
      }),
    },
    { ...options, required: ["kind", "name"] },
  );
}

export type PolicyTargetReference = SpecOf<ReturnType<typeof policyTargetReference>>;
