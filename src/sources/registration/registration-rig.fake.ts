// A registration, its WorkloadGroups, and machines that connect to it.
import assert from "node:assert/strict";
import { afterEach, beforeEach } from "node:test";
import type { Change } from "../../collection/collection.ts";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import type { WorkloadEntry } from "../../config/workload-entry/workload-entry.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import { Registration } from "./registration.ts";
import type { RegistrationOptions } from "./registration-options.ts";

export const graceMs = 10_000;

/** A clock on which work takes time. */
export class SlowClock extends FakeClock {
  private readonly workMs: () => number;
  private workedMs = 0;

  constructor(workMs: () => number) {
    super();
    this.workMs = workMs;
  }

  worked(): void {
    this.workedMs += this.workMs();
  }

  override monotonic(): number {
    return super.monotonic() + this.workedMs;
  }
}

// Of the present test; each file of tests is a process of its own.
export let graph: Graph;
export let groups: Source<Config<WorkloadGroup>>;
export let clock: FakeClock;
export let logged: ReturnType<typeof fakeLog>;
export let metrics: Metrics;
export let registration: Registration;
export let changes: Change<Config<WorkloadEntry>>[];

/** A registration for each test of the file, and nothing left of it afterwards. */
export function useRegistration(): void {
  beforeEach(() => {
    graph = new Graph((failure) => {
      throw failure.error;
    });
    groups = new Source(graph, "groups");
    clock = new FakeClock();
    logged = fakeLog();
    metrics = new Metrics();
    registration = open();
    changes = [];
    registration.entries.subscribe((batch) => changes.push(...batch));
    setGroup("reviews", { template: { serviceAccount: "reviews", ports: { http: 9080 } } });
  });
  afterEach(async () => {
    await registration.stop();
    assert.equal(clock.pending, 0, "no timer is left");
    assert.equal(groups.observers, 0, "nobody listens any more");
  });
}

/** One with other options, in place of a registration that was stopped. */
export function reopen(more: Partial<RegistrationOptions> = {}): void {
  metrics = new Metrics();
  registration = open(more);
}

export function open(more: Partial<RegistrationOptions> = {}): Registration {
  const { log } = logged;
  return new Registration({ graph, groups, source: "cluster-1", controller: "cp-1", clock, log, metrics, ...more });
}

export function setGroup(name: string, spec: WorkloadGroup, uid?: string): void {
  const key = { source: "s", group: "networking.istio.io", kind: "WorkloadGroup", namespace: "shop", name };
  const meta = { name, namespace: "shop", ...(uid === undefined ? {} : { uid }) };
  groups.set(formatConfigKey(key), { key, meta, spec });
}

export function deleteGroup(name: string): void {
  for (const [key, group] of [...groups.entries()]) if (group.key.name === name) groups.delete(key);
}

export interface NodeOverrides extends Partial<NodeInfo> {
  machine?: string;
}

export function node({ machine = "vm-1", ...more }: NodeOverrides = {}): NodeInfo {
  const ips = more.ips ?? ["10.0.0.1"];
  return {
    id: `sidecar~${ips[0]}~${machine}.shop~shop.svc.cluster.local`,
    cluster: "",
    type: "sidecar",
    ips,
    name: `${machine}.shop`,
    dnsDomain: "shop.svc.cluster.local",
    namespace: "shop",
    serviceAccount: "reviews",
    labels: {},
    locality: undefined,
    network: "",
    clusterId: "",
    istioVersion: undefined,
    agentVersion: undefined,
    envoyVersion: undefined,
    generator: undefined,
    autoRegisterGroup: "reviews",
    dnsCapture: false,
    capabilities: new Set(),
    metadata: { LATEEN: { version: "1" } },
    ...more,
  };
}

export const istioNode = (more: NodeOverrides = {}): NodeInfo => node({ metadata: {}, ...more });
export const spiffe = (account = "reviews", namespace = "shop"): string[] => [
  `spiffe://cluster.local/ns/${namespace}/sa/${account}`,
];

export function connect(
  connectionId: string,
  from: NodeInfo = node(),
  identities = spiffe(),
  origin: { address?: string; certificate?: string } = {},
): void {
  registration.connected({ connectionId, identities, node: from, ...origin });
}

export function entry(name: string): Config<WorkloadEntry> | undefined {
  return registration.entries.get(`cluster-1/networking.istio.io/WorkloadEntry/shop/${name}`);
}

export const names = (): string[] => [...registration.entries.values()].map(({ key }) => key.name).sort();
