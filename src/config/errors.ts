// Codes of what can be wrong with configuration.
import { defineErrors } from "../kernel/error.ts";

export const configErrors = defineErrors({
  syntax: {
    code: "LAT1001",
    meaning: "The text is not the YAML or JSON that was expected.",
    remedy: "Correct the text at the named line.",
  },
  unknownField: {
    code: "LAT1002",
    meaning: "The object has a field that its kind does not know.",
    remedy: "Correct the spelling, or remove the field; lateen explain KIND lists the fields.",
  },
  wrongType: {
    code: "LAT1003",
    meaning: "A field holds another type than its kind says.",
    remedy: "Give a value of the named type; strings that look like numbers need quotes.",
  },
  notInEnum: {
    code: "LAT1004",
    meaning: "A field holds a word that is not one of its values.",
    remedy: "Use one of the listed values.",
  },
  outOfBounds: {
    code: "LAT1005",
    meaning: "A number, a text or a list is smaller or larger than its field allows.",
    remedy: "Keep to the named bound.",
  },
  missingField: {
    code: "LAT1006",
    meaning: "A required field is absent.",
    remedy: "Add the field.",
  },
  ruleBroken: {
    code: "LAT1007",
    meaning: "Fields of the object contradict each other or a rule of its kind.",
    remedy: "Change the object as the message says.",
  },
  unknownKind: {
    code: "LAT1008",
    meaning: "No kind with this apiVersion and name is served.",
    remedy: "Correct apiVersion and kind; lateen explain lists the kinds.",
  },
  badMetadata: {
    code: "LAT1009",
    meaning: "The object's name, namespace, labels or annotations are not valid in Kubernetes.",
    remedy: "Use lower-case letters, digits, '-' and '.', at most 253 characters for names.",
  },
  notCarriedOut: {
    code: "LAT1010",
    meaning: "The field is valid and kept, but proxies do not act on it yet.",
    remedy: "Do not rely on the field; lateen explain --pending lists all such fields.",
  },
  tooLarge: {
    code: "LAT1011",
    meaning: "A file, a document or a value in it is beyond the limits for configuration.",
    remedy: "Split the file, or make the value smaller.",
  },
  duplicateObject: {
    code: "LAT1012",
    meaning: "Two documents define the same object.",
    remedy: "Remove one of them.",
  },
  listenerPort: {
    code: "LAT1013",
    meaning: "The object names a port at which every proxy itself listens, so that it has no effect there.",
    remedy: "Use another port than 15021, 15090 and those of MeshConfig (15001 and 15006 by default).",
  },
  evadable: {
    code: "LAT1014",
    meaning:
      "A policy keeps calls out by a host or path that callers can spell in other ways, which proxies do not take for the same.",
    remedy:
      "List what is let in, deny by source or port, or set pathNormalization to DECODE_AND_MERGE_SLASHES for paths.",
  },
  claimedElsewhere: {
    code: "LAT1015",
    meaning:
      "ServiceEntries of several namespaces claim one host or address, one claims a short name or an address of another's service, or a block of addresses that one states holds what another states.",
    remedy:
      "Let one namespace define it. A namespace's own callers reach what it defines itself; for others a name of the mesh belongs to the namespace that it tells, an address that was given to the service it was given to, and all else to the oldest; of an address and a block around it, to who states the narrower.",
  },
});

/** The code of a kind of error, for problems, which are not thrown. */
export const configCodes = {
  syntax: "LAT1001",
  unknownField: "LAT1002",
  wrongType: "LAT1003",
  notInEnum: "LAT1004",
  outOfBounds: "LAT1005",
  missingField: "LAT1006",
  ruleBroken: "LAT1007",
  unknownKind: "LAT1008",
  badMetadata: "LAT1009",
  notCarriedOut: "LAT1010",
  tooLarge: "LAT1011",
  duplicateObject: "LAT1012",
  listenerPort: "LAT1013",
  evadable: "LAT1014",
  claimedElsewhere: "LAT1015",
} as const;
