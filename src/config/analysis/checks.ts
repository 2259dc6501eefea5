// Every check, in the order in which an object is told what is found of it.
import type { Check } from "./check.ts";
import { conflictingHosts } from "./conflicting-hosts.ts";
import { conflictingProtocols } from "./conflicting-protocol.ts";
import { destinationRuleReferences } from "./destination-rule-references.ts";
import { evadableConditions } from "./evadable-conditions.ts";
import { foreignAddresses, foreignHosts } from "./foreign-claims.ts";
import { listenerPorts } from "./listener-ports.ts";
import { selectedWorkloads } from "./selected-workloads.ts";
import { virtualServiceReferences } from "./virtual-service-references.ts";

export const checks: readonly Check[] = [
  virtualServiceReferences,
  conflictingHosts,
  foreignHosts,
  foreignAddresses,
  destinationRuleReferences,
  ...selectedWorkloads,
  conflictingProtocols,
  ...listenerPorts,
  evadableConditions,
];
