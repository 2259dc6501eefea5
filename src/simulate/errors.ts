// What a simulation refuses to answer: better no answer than a guessed one.
import { defineErrors } from "../kernel/error.ts";

export const simulateErrors = defineErrors({
  cannotSimulate: {
    code: "LAT2201",
    meaning: "A resource uses a part of Envoy that the simulation does not know, so what it does cannot be told.",
    remedy: "Ask the proxy itself: make the call, and read its access log.",
  },
  incompleteCall: {
    code: "LAT2202",
    meaning: "The described call lacks something that the configuration decides by.",
    remedy: "Describe the call in full, for example with its method, path and headers.",
  },
  brokenResource: {
    code: "LAT2203",
    meaning: "A resource holds bytes that are not the message its type says.",
    remedy: "This is a defect of Lateen; report it with the message.",
  },
});
