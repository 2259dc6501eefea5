// LabelSelector as MeshConfig has it (istio.mesh.v1alpha1.LabelSelector): labels, and expressions about labels.
import { list, map, object, string } from "../schema.ts";

export function labelSelector(description: string) {
  return object(
    {
      matchLabels: map(string({ description: "The value of the label." }), {
        description: "Labels that must be there, all of them.",
      }),
      matchExpressions: list(
        object({
          key: string({ description: "Key of the label." }),
          operator: string({ description: "In, NotIn, Exists or DoesNotExist." }),
          values: list(string(), { description: "Values for In and NotIn." }),
        }),
        { description: "Conditions that must hold, all of them." },
      ),
    },
    { description },
  );
}
