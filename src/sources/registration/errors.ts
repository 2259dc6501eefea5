// Why a machine is not registered.
import { defineErrors } from "../../kernel/error.ts";

export const registrationErrors = defineErrors({
  groupMissing: {
    code: "LAT4401",
    meaning: "A machine wants to be registered from a WorkloadGroup that does not exist.",
    remedy: "Create the WorkloadGroup (lateen apply); the machine comes back by itself.",
  },
  identityRefused: {
    code: "LAT4402",
    meaning: "The identity a machine has proven is not the one of the WorkloadGroup it names.",
    remedy:
      "Join the machine again with a token of the group, or correct template.serviceAccount of the WorkloadGroup.",
  },
  nameTaken: {
    code: "LAT4403",
    meaning:
      "Another machine is registered and connected under the same name: two machines joined with one name, or one is a copy of the other's disk. Or the name is for another service account's WorkloadGroup: that of machine v2-vm1 in group reviews is the one of vm1 in reviews-v2.",
    remedy:
      "Join one of them again with another --name. If a machine only changed its address, wait: its old connection is given up within seconds.",
  },
  addressTaken: {
    code: "LAT4404",
    meaning:
      "Another machine is registered with the same address on the same network. If it is one of another service account, the machine is served nevertheless, and registered as soon as that one is gone.",
    remedy:
      "Give each machine its own address, or set different networks in their WorkloadGroups where addresses overlap. An address that was another machine's is free 10 seconds after that one ended.",
  },
  badMachine: {
    code: "LAT4405",
    meaning: "A machine gives an address that others cannot use, or a name that a WorkloadEntry cannot have.",
    remedy: "Register with an address that other machines reach: not loopback, link-local or multicast.",
  },
  tooMany: {
    code: "LAT4406",
    meaning: "As many machines are registered as one control plane takes.",
    remedy: "Add a control plane.",
  },
  certificateShared: {
    code: "LAT4407",
    meaning: "One certificate registers more machines than one machine has names.",
    remedy: "Join each machine with a token, and do not copy the data folder of one to others.",
  },
});
