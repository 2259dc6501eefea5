// What the configuration API refuses. Each becomes a Kubernetes Status with the HTTP status and reason of `status-error.ts`.
import { defineErrors } from "../../kernel/error.ts";

export const apiErrorKinds = {
  badRequest: {
    code: "LAT5101",
    meaning: "A request of the configuration API cannot be read: its path, query, body or object.",
    remedy: "Correct the request as the message says.",
  },
  unauthorized: {
    code: "LAT5102",
    meaning: "A request came without credentials that the configuration API accepts.",
    remedy: "Use the admin.kubeconfig that lateen up writes into its data folder.",
  },
  forbidden: {
    code: "LAT5103",
    meaning: "A request is not allowed: the credentials do not reach so far, or a web page of another origin sent it.",
    remedy: "Use credentials with the rights, and the address of the kubeconfig.",
  },
  notFound: {
    code: "LAT5104",
    meaning: "The object or path does not exist.",
    remedy: "Check name, namespace and kind; lateen get lists what there is.",
  },
  notAllowed: {
    code: "LAT5105",
    meaning: "The path does not serve this method.",
    remedy: "Use a method that the discovery documents list.",
  },
  notAcceptable: {
    code: "LAT5106",
    meaning: "The client accepts only formats that are not served.",
    remedy: "Accept application/json.",
  },
  timeout: {
    code: "LAT5107",
    meaning: "A request was not complete in time, or asks for a revision that does not exist yet.",
    remedy: "Send the request again.",
  },
  conflict: {
    code: "LAT5108",
    meaning: "The object was changed by someone else, or fields belong to another manager.",
    remedy: "Read the object again and repeat the change; server-side apply can force its fields.",
  },
  alreadyExists: {
    code: "LAT5109",
    meaning: "An object of this name exists already.",
    remedy: "Use apply to change it, or another name.",
  },
  expired: {
    code: "LAT5110",
    meaning: "The revision or the continue token is older than what is kept.",
    remedy: "List again and watch from there.",
  },
  tooLarge: {
    code: "LAT5111",
    meaning: "The request or the object is beyond the limits.",
    remedy: "Make the object smaller.",
  },
  unsupportedMediaType: {
    code: "LAT5112",
    meaning: "The body of the request is in a format that is not taken.",
    remedy: "Send JSON or YAML, or a patch format that the message lists.",
  },
  invalid: {
    code: "LAT5113",
    meaning: "The object breaks the rules of its kind; details.causes lists each field.",
    remedy: "Correct the named fields; lateen explain KIND describes them.",
  },
  tooManyRequests: {
    code: "LAT5114",
    meaning: "More requests or watches are open than the API admits.",
    remedy: "Try again after the time in Retry-After; close watches that are not needed.",
  },
  internal: {
    code: "LAT5115",
    meaning: "A request failed because of a defect of Lateen.",
    remedy: "Report it with the lines of the control plane's log around it.",
  },
  unavailable: {
    code: "LAT5116",
    meaning: "The store cannot take the change now; nothing was written. Reads and the mesh go on.",
    remedy: "See the message and the control plane's log; then send the request again.",
  },
  readOnly: {
    code: "LAT5117",
    meaning: "The object comes from a file or from registration and cannot be changed through the API.",
    remedy: "Change it where the message says it is defined.",
  },
  listenFailed: {
    code: "LAT5118",
    meaning: "The address of the configuration API cannot be opened, or its certificate cannot be used.",
    remedy: "Choose another port by --api-port, or stop the program that uses it (ss -ltnp shows which).",
  },
} as const;

export const apiErrors = defineErrors(apiErrorKinds);
