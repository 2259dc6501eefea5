// What can go wrong in the machine's DNS server.
import { defineErrors } from "../../kernel/error.ts";

export const dnsErrors = defineErrors({
  cannotListen: {
    code: "LAT4301",
    meaning: "The agent's DNS server could not open its port.",
    remedy: "Stop the program that holds the port; another agent or Istio's pilot-agent may still run.",
  },
  tableTooLarge: {
    code: "LAT4302",
    meaning: "The control plane sent more names than an agent accepts; the names sent before stay in use.",
    remedy: "Limit what the machine's namespace sees by exportTo of the services and entries it does not call.",
  },
});
