// Misuse of collections: mistakes of the program, found where it is put together.
import { defineErrors } from "../kernel/error.ts";

export const collectionErrors = defineErrors({
  undeclaredRead: {
    code: "LAT2901",
    meaning: "A derivation read a collection that it did not declare as an input.",
    remedy: "This is a defect of Lateen; report it with the message.",
  },
  foreignGraph: {
    code: "LAT2902",
    meaning: "A collection was built from inputs of another graph, or from one that was disposed.",
    remedy: "This is a defect of Lateen; report it with the message.",
  },
});
