// What can go wrong on a machine of the mesh.
import { defineErrors } from "../kernel/error.ts";

export const agentErrors = defineErrors({
  envoyMissing: {
    code: "LAT4201",
    meaning: "No usable Envoy was found and none could be downloaded.",
    remedy: "Install Envoy 1.37 or newer and name it with --envoy or LATEEN_ENVOY.",
  },
  envoyTooOld: {
    code: "LAT4202",
    meaning: "The Envoy that was found is older than the oldest supported one, or does not tell its version.",
    remedy: "Install Envoy 1.37 or newer, or name another one with --envoy or LATEEN_ENVOY.",
  },
  envoyFailed: {
    code: "LAT4203",
    meaning: "Envoy could not be started, or ended by itself.",
    remedy: "Read what Envoy said in the agent's log: journalctl -u lateen-agent shows it.",
  },
  adminUnavailable: {
    code: "LAT4204",
    meaning: "Envoy's admin interface did not answer, or answered more than is accepted.",
    remedy: "Check on the machine that Envoy runs, and that no other program listens on its admin port (ss -ltnp).",
  },
  unsafeFile: {
    code: "LAT4205",
    meaning: "A file or folder that holds secrets has the wrong type, owner or mode.",
    remedy: "Make sure that only the agent's user can read it, and that it is no link; then start the agent again.",
  },
  unreadableState: {
    code: "LAT4206",
    meaning: "Stored state of the agent is damaged, or was sealed with another key.",
    remedy: "Remove the named file; what it held is fetched again, or join the machine again.",
  },
  notPermitted: {
    code: "LAT4207",
    meaning: "A question asked Envoy's admin interface for a path that agents do not answer.",
    remedy:
      "Ask for one of config_dump, clusters, listeners, stats, certs, memory, server_info, ready, or set logging levels.",
  },
  tooManyCalls: {
    code: "LAT4208",
    meaning: "A local client opened more connections, streams or subscriptions than the agent accepts.",
    remedy: "Only Envoy should use the agent's socket; find out what else does.",
  },
  portTaken: {
    code: "LAT4209",
    meaning: "A port or socket that the agent needs could not be opened.",
    remedy: "Stop the program that holds it; another agent or Istio's pilot-agent may still run.",
  },
  badStreamMessage: {
    code: "LAT4210",
    meaning: "A message on the agent's own streams could not be decoded.",
    remedy: "Check that Envoy and the control plane are supported versions.",
  },
  stopped: {
    code: "LAT4211",
    meaning: "The agent was stopped before the machine was ready.",
    remedy: "Read what kept it from being ready: curl localhost:15020/status shows it while the agent runs.",
  },
  runsAlready: {
    code: "LAT4212",
    meaning: "Another agent runs on this machine; two would take each other's socket, ports and identity.",
    remedy: "To join anew, end it first: lateen leave stops it and takes the machine out of its mesh.",
  },
  notJoined: {
    code: "LAT3301",
    meaning: "The machine has no stored identity.",
    remedy: "Join it first: create a token on the control plane with lateen token create, then run lateen join.",
  },
  badControlPlaneAddress: {
    code: "LAT3302",
    meaning: "The address of the control plane is not an https URL with a host.",
    remedy: "Write it like https://control-plane.example:15012.",
  },
  controlPlaneUnreachable: {
    code: "LAT3303",
    meaning: "The control plane could not be reached, or did not answer in time.",
    remedy:
      "Check the address, and that its port (15012 unless the URL says another) is open from this machine; is lateen up running?",
  },
  controlPlaneNotTrusted: {
    code: "LAT3304",
    meaning: "The server at the control plane's address did not prove that it belongs to the mesh.",
    remedy:
      "Check that the token comes from this control plane, and that the host name is one of its --advertise names.",
  },
  joinRefused: {
    code: "LAT3305",
    meaning: "The control plane refused the join token or the request.",
    remedy: "Create a new token with lateen token create; tokens are short-lived and usually valid once.",
  },
  badIdentity: {
    code: "LAT3306",
    meaning: "The identity that the control plane issued does not fit the key, or is not usable.",
    remedy: "Check the clocks of both machines; then join again.",
  },
  identityExpired: {
    code: "LAT3307",
    meaning: "The machine's certificate has expired and could not be renewed.",
    remedy: "Check that the control plane is reachable and the clock is right; then join again with a new token.",
  },
  renewalFailed: {
    code: "LAT3308",
    meaning: "The machine's certificate could not be renewed; the present one is used until it expires.",
    remedy: "Check that the control plane is reachable; the agent tries again by itself.",
  },
  controlPlaneBusy: {
    code: "LAT3309",
    meaning:
      "The control plane had too many callers at once, or was called too often, and did not look at the request.",
    remedy: "Join again in a minute; the token was not used.",
  },
});
