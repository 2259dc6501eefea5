// What the listeners of the control plane refuse, and what goes wrong on their streams.
import { defineErrors } from "../kernel/error.ts";

export const serveErrors = defineErrors({
  limitExceeded: {
    code: "LAT2101",
    meaning: "A client went over a limit of its stream: resource names, types, bytes or requests in a time.",
    remedy: "The message names the limit; exportTo narrows what a proxy sees.",
  },
  unauthenticated: {
    code: "LAT2102",
    meaning: "A stream on the TLS port came without a client certificate of the mesh.",
    remedy: "Join the machine first (lateen join); without a certificate only joining is possible.",
  },
  certificateExpired: {
    code: "LAT2103",
    meaning: "The client certificate of an open stream has expired.",
    remedy:
      "Nothing, if the agent renews in time: it comes back with its new certificate. Else check the machine's clock.",
  },
  slowReader: {
    code: "LAT2104",
    meaning: "A client did not take the bytes of a response, or sent nothing at all, for too long.",
    remedy: "Check the machine and its network; the agent reconnects by itself.",
  },
  shuttingDown: {
    code: "LAT2105",
    meaning: "The control plane is stopping.",
    remedy: "Nothing: clients reconnect, and proxies keep their last configuration meanwhile.",
  },
  unknownMethod: {
    code: "LAT2106",
    meaning: "A request names a path or method that is not served on this port.",
    remedy: "Check the address and port; 15012 serves xDS, the CA and joining.",
  },
  internal: {
    code: "LAT2107",
    meaning: "A stream ended because of a defect of Lateen.",
    remedy: "Report it with the lines of the control plane's log around it.",
  },
  tlsMaterial: {
    code: "LAT2108",
    meaning: "The certificate, key or roots of a listener cannot be used.",
    remedy: "Check that the certificate belongs to the key and that all are PEM.",
  },
  listenFailed: {
    code: "LAT2109",
    meaning: "A listener's address cannot be opened.",
    remedy: "Choose another port by flag, or stop the program that uses it (ss -ltnp shows which).",
  },
  machineNotConnected: {
    code: "LAT2111",
    meaning: "A question was put to a machine that has no registered agent connected to this control plane.",
    remedy:
      "Check lateen proxy-status; the machine may be off, connected to another control plane, or not registered: then the log says why.",
  },
  questionTimeout: {
    code: "LAT2112",
    meaning: "A machine did not answer a question in time.",
    remedy: "Try again; if it persists, look at the agent's log on the machine.",
  },
  tooManyQuestions: {
    code: "LAT2113",
    meaning: "A machine has as many unanswered questions as are allowed.",
    remedy: "Wait until some are answered.",
  },
  unknownQuestion: {
    code: "LAT2114",
    meaning: "An answer came for a question that was not put to this machine, or no longer waits.",
    remedy: "Nothing, if the question timed out before; else check who uses the machine's certificate.",
  },
  questionFailed: {
    code: "LAT2115",
    meaning: "The agent of a machine could not answer a question.",
    remedy: "See the message; it comes from the agent.",
  },
  machineAmbiguous: {
    code: "LAT2116",
    meaning:
      "A question was put to a machine by a name under which several machines are registered, of different WorkloadGroups.",
    remedy: "Name it by its WorkloadEntry or its node id; lateen proxy-status -o json shows both.",
  },
  rejected: {
    code: "LAT2117",
    meaning: "Proxies reject what an object makes; it says so in the object's status, with Envoy's words.",
    remedy:
      "Change the field that the message names, or the object as Envoy's words say. Until then proxies keep what they accepted last, or go without; lateen proxy-status shows which.",
  },
  setAside: {
    code: "LAT2118",
    meaning: "What an object says could not be carried out, because of a defect of Lateen; its status says so.",
    remedy:
      "Report it with the object and the lines of the control plane's log. Until it changes, its last version that could be carried out stays, or it is left out; everything else goes on.",
  },
});
