// Label selectors as Istio's policies and ServiceEntry spell them.
import { map, object, type Rule, string } from "./schema.ts";

const plainKeys: Rule<Record<string, string>> = {
  message: "keys must not be empty or hold a wildcard",
  test: (labels) => Object.keys(labels).every((key) => key !== "" && !key.includes("*")),
};
const plainValue: Rule<string> = {
  message: "wildcards are not supported in a selector",
  test: (value) => !value.includes("*"),
};

/** `istio.type.v1beta1.WorkloadSelector`: `matchLabels`, all of which a workload must carry. */
export function workloadSelector() {
  return object(
    {
      matchLabels: map(string({ maxLength: 63, rules: [plainValue] }), {
        maxProperties: 4096,
        rules: [plainKeys],
        description: "Labels a workload must carry, all of them.",
      }),
    },
    {
      description:
        "The workloads the object applies to; without it, all of the namespace (all of the mesh in the root namespace).",
    },
  );
}

/** True where the labels satisfy the selector; an absent or empty selector matches everything. */
export function matchesLabels(
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  for (const [key, value] of Object.entries(selector ?? {})) if (labels[key] !== value) return false;
  return true;
}
