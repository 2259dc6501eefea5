// What the CA and join services refuse beyond what the authority itself does.
import { defineErrors } from "../../kernel/error.ts";

export const caServiceErrors = defineErrors({
  unauthenticated: {
    code: "LAT3201",
    meaning: "A request for a certificate came without a proof: no client certificate of the mesh, and no join token.",
    remedy: "Show a join token (lateen join --token), or use the certificate the machine has, over TLS.",
  },
  groupMissing: {
    code: "LAT3202",
    meaning: "The WorkloadGroup that a join token is for does not exist.",
    remedy: "Create the WorkloadGroup (lateen apply), then try again with the same token.",
  },
  badMachine: {
    code: "LAT3203",
    meaning: "A machine that joins gave a name or addresses that are not valid.",
    remedy:
      "Name the machine with lower-case letters, digits and '-', at most 63 characters, and give plain IP addresses.",
  },
  impersonation: {
    code: "LAT3204",
    meaning: "A request for a certificate asks to act for another identity, which is not served.",
    remedy: "Let each workload ask for its own certificate.",
  },
  callOver: {
    code: "LAT3205",
    meaning: "A client gave up, or had to go for others, before its join token was used.",
    remedy: "Nothing: the token was not used, and lateen join tries again by itself.",
  },
  tooOften: {
    code: "LAT3206",
    meaning: "A machine, or all machines of one identity together, exchanged certificates for new ones too often.",
    remedy: "Nothing: machines try again by themselves. If it goes on, find out who else uses the machine's key.",
  },
});
