// A DNS server on free ports, with resolvers that a test writes, all stopped after each test.
import { afterEach } from "node:test";
import type { Clock } from "../../kernel/clock.ts";
import { systemClock } from "../../kernel/clock.ts";
import { Lifecycle } from "../../kernel/lifecycle.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { systemRandom } from "../../kernel/random.ts";
import { dig } from "./dig.fake.ts";
import { DnsServer } from "./dns-server.ts";
import { meshLookup } from "./mesh-table.fake.ts";
import type { NameLookup } from "./name-table.ts";
import { type FakeUpstream, startUpstream, type UpstreamHandler } from "./upstream.fake.ts";
import type { Upstream } from "./upstream.ts";

let parts = new Lifecycle();
afterEach(async () => {
  const ended = parts;
  parts = new Lifecycle();
  await ended.stop();
});

export async function upstreamThat(handler: UpstreamHandler): Promise<FakeUpstream> {
  return parts.add(await startUpstream(handler));
}

export interface ServerSetup {
  upstreams?: readonly Upstream[];
  table?: () => NameLookup | undefined;
  search?: readonly string[];
  clock?: Clock;
  addresses?: readonly string[];
}

export async function startServer(setup: ServerSetup = {}) {
  const { upstreams = [], search = [], clock = systemClock } = setup;
  const lookup = meshLookup();
  const { log, lines } = fakeLog();
  const metrics = new Metrics();
  const server = new DnsServer({
    table: setup.table ?? (() => lookup),
    domainSuffix: () => "cluster.local",
    upstreams: () => upstreams,
    searchDomains: () => search,
    addresses: setup.addresses ?? ["127.0.0.1"],
    port: 0,
    clock,
    random: systemRandom,
    log,
    metrics,
  });
  await parts.add(server).start();
  const { port } = server;
  return {
    server,
    port,
    lines,
    ask: (name: string, type = "A", more: object = {}) => dig(name, type, { port, ...more }),
    metric: async (name: string): Promise<number> =>
      Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(await metrics.text())?.[1] ?? 0),
  };
}
