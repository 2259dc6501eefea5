// What can go wrong between the keyboard and the control plane.
import { defineErrors } from "../kernel/error.ts";

export const cliErrors = defineErrors({
  usage: {
    code: "LAT9001",
    meaning: "The command line is not one the command understands.",
    remedy: "Run the command with --help; it shows the flags and an example.",
  },
  noCredentials: {
    code: "LAT9002",
    meaning: "No kubeconfig with credentials for the control plane was found or could be read.",
    remedy:
      "Run the command as root on the control plane's host. Elsewhere, name a copy of its admin.kubeconfig by --kubeconfig; lateen up --api-listen ADDRESS lets other hosts reach the API, or ssh -L 15013:localhost:15013 HOST does.",
  },
  badKubeconfig: {
    code: "LAT9003",
    meaning: "The kubeconfig is not valid, or asks for something that lateen does not do.",
    remedy: "Correct the file, or use the admin.kubeconfig that lateen up wrote.",
  },
  unreachable: {
    code: "LAT9004",
    meaning: "The control plane's API could not be reached.",
    remedy:
      "Is lateen up running there? It serves its own host only, unless it has --api-listen; the address is in the kubeconfig.",
  },
  notTrusted: {
    code: "LAT9005",
    meaning: "One end of the connection did not accept the certificate of the other.",
    remedy: "Use the admin.kubeconfig of this control plane: it holds its authority and a certificate it accepts.",
  },
  refused: {
    code: "LAT9006",
    meaning: "The control plane answered a request with an error.",
    remedy: "Act on its message.",
  },
  badAnswer: {
    code: "LAT9007",
    meaning: "The answer is not what a control plane sends, or is larger than the limit.",
    remedy: "Check the server's address in the kubeconfig, and compare versions with lateen version.",
  },
  timeout: {
    code: "LAT9008",
    meaning: "The control plane did not answer in time.",
    remedy: "Try again, or give it longer with --request-timeout.",
  },
  unreadableFile: {
    code: "LAT9009",
    meaning: "A file or folder named on the command line cannot be read, or is beyond the limits.",
    remedy: "Check the path and its permissions.",
  },
  objectRefused: {
    code: "LAT9010",
    meaning: "At least one of the given objects has errors, so none was sent.",
    remedy: "Correct what is listed above and try again.",
  },
  namespaceMismatch: {
    code: "LAT9011",
    meaning: "An object names another namespace than the command line.",
    remedy: "Leave --namespace out, or make it the object's.",
  },
  badConfigDump: {
    code: "LAT9012",
    meaning: "The text is not a config dump of Envoy.",
    remedy: "Save one with: curl localhost:15000/config_dump?include_eds > dump.json",
  },
  notConnected: {
    code: "LAT9013",
    meaning: "No connected proxy has this name.",
    remedy: "lateen proxy-status lists the connected proxies.",
  },
  unwritableFile: {
    code: "LAT9014",
    meaning: "A file that a command was told to write exists already, or cannot be written.",
    remedy: "Choose another path; nothing is overwritten.",
  },
});

/** The code of a kind of error, for problems, which are not thrown. */
export const cliCodes = { namespaceMismatch: "LAT9011" } as const;
