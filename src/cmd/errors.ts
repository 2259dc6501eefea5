// What keeps a command from starting.
import { defineErrors } from "../kernel/error.ts";

export const cmdErrors = defineErrors({
  badMeshConfig: {
    code: "LAT1201",
    meaning: "The MeshConfig document given with --mesh-config cannot be read, or has errors.",
    remedy: "Check the path, or correct the document at the named lines.",
  },
  badTokenRequest: {
    code: "LAT1202",
    meaning: "A request for a join token does not have the form that the API takes.",
    remedy: "Send group, and where wanted ttlSeconds and uses; lateen token create does.",
  },
  noSuchToken: {
    code: "LAT1204",
    meaning: "There is no join token of the id that was to be taken back.",
    remedy: "lateen token list shows the ids; tokens that expired or were used up are good for nothing any more.",
  },
  noUnit: {
    code: "LAT4303",
    meaning: "The agent cannot be installed as a systemd unit on this machine.",
    remedy: "Run lateen join as root where systemd runs; elsewhere use --foreground under what keeps services there.",
  },
  unitNotReady: {
    code: "LAT4304",
    meaning: "The agent was installed and runs, but the machine was not ready in time.",
    remedy: "The unit goes on trying; journalctl -u lateen-agent shows what it says.",
  },
  agentStays: {
    code: "LAT4305",
    meaning: "The agent was asked to end and still runs.",
    remedy: "End the named process, then run lateen leave again.",
  },
  noSuchGroup: {
    code: "LAT1203",
    meaning: "A join token was asked for a WorkloadGroup that does not exist.",
    remedy: "Apply the WorkloadGroup first; lateen get workloadgroups -A lists them.",
  },
});
