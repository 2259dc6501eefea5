// What can go wrong while traffic is captured.
import { defineErrors } from "../kernel/error.ts";

export const captureErrors = defineErrors({
  badPlan: {
    code: "LAT4101",
    meaning:
      "The settings of traffic capture contradict each other, or one of them is no valid port, user or CIDR block.",
    remedy: "Correct the named settings; nothing was changed on the machine.",
  },
  notApplied: {
    code: "LAT4102",
    meaning: "The capture rules could not be loaded; the machine's rules are as they were before.",
    remedy: "Run the agent with CAP_NET_ADMIN, and check that the kernel has nf_tables, NAT and conntrack zones.",
  },
  selfTestFailed: {
    code: "LAT4103",
    meaning: "With the capture rules in place the machine could not do something it needs, so they were taken back.",
    remedy:
      "Exclude the named address or port from capture, or repair what the probe names, and start the agent again.",
  },
  reverted: {
    code: "LAT4104",
    meaning: "The capture rules were not confirmed in time and were taken back.",
    remedy: "Start the agent again; where it repeats, look in its log for the probe that did not end.",
  },
  noBackend: {
    code: "LAT4105",
    meaning: "The machine has neither nft nor iptables-restore.",
    remedy: "Install nftables, or join without traffic capture.",
  },
  notRemoved: {
    code: "LAT4106",
    meaning: "The capture rules could not be removed.",
    remedy: "As root, run: nft delete table inet lateen",
  },
  wrongState: {
    code: "LAT4107",
    meaning:
      "Capture was told to do something that does not fit its state, such as confirming rules that are not loaded.",
    remedy: "This is a defect in Lateen; please report it with the agent's log.",
  },
});
