// What keeps a command from starting.
import { defineErrors } from "../kernel/error.ts";

export const cmdErrors = defineErrors({
  badMeshConfig: {
    code: "LAT1201",
    meaning: "The MeshConfig document given with --mesh-config has errors.",
    remedy: "Correct the document at the named lines.",
  },
});
