import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import { ResourceTable } from "../../xds/resource-table.fake.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { ChangeLog } from "../debug/change-log.ts";
import { Quarantine } from "./quarantine.ts";
import { quarantineMetrics } from "./quarantine-metrics.ts";

const typeUrl = typeUrls.cluster;
const sourceRef = { kind: "ServiceEntry", namespace: "shop", name: "a" };

/** One stream that rejects one cluster, and one that says nothing. */
function rig(t: TestContext) {
  const graph = new Graph();
  const clock = new FakeClock();
  const objects = new Source<Config>(graph, "objects", Object.is);
  const costs = { ofLookMs: 0, spentMs: 0, looks: 0, specReads: 0 };
  const table = new ResourceTable(typeUrl);
  table.set("c", "1");
  const resource = table.get("c");
  assert.ok(resource !== undefined);
  Object.assign(resource, { sources: [sourceRef] });
  const quarantine = new Quarantine({
    ...{ graph, objects, source: "Kubernetes", changes: new ChangeLog(clock), log: fakeLog().log },
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic() + costs.spentMs,
      after: (delayMs, fn) => clock.after(delayMs, fn),
      every: (intervalMs, fn) => clock.every(intervalMs, fn),
    },
    metrics: quarantineMetrics(new Metrics()),
    machineOf: () => undefined,
    recipients: () => {
      costs.looks += 1;
      costs.spentMs += costs.ofLookMs;
      return ["one", "two"].map((connectionId) => ({ connectionId, resource }));
    },
  });
  t.after(() => quarantine.stop());
  const key = { source: "Kubernetes", group: "networking.istio.io", ...sourceRef };
  const write = (): void => {
    const config = { key, meta: {} } as unknown as Config;
    Object.defineProperty(config, "spec", {
      get: () => {
        costs.specReads += 1;
        return { hosts: ["bad.example"] };
      },
    });
    objects.set(formatConfigKey(key), config);
  };
  write();
  const node = { envoyVersion: "1.40.0", name: "m.shop" } as NodeInfo;
  for (const [id, account] of [
    ["one", "a"],
    ["two", "b"],
  ] as const) {
    quarantine.connected({ node, identities: [account] }, id, { address: "198.18.0.1", certificate: account });
  }
  quarantine.watch({ key: "scope", typeUrl, envoyVersion: "1.40.0", made: table, served: table });
  const reject = (message: string): void => {
    const client = { node, identities: [] };
    quarantine.rejected({ client, connectionId: "one", typeUrl, message, resources: [resource] });
  };
  const told = (): string[] => {
    return [...quarantine.statuses.values()].flatMap(({ validationMessages }) =>
      validationMessages.map(({ message }) => message),
    );
  };
  return { quarantine, clock, costs, reject, told, write };
}

test("whom to blame is worked out once, until the words or the object become different", async (t) => {
  const { clock, costs, reject, told, write } = rig(t);
  reject("bad.example is no host");
  await clock.advance(100);
  assert.match(told()[0] ?? "", /^spec\.hosts\[0\]: /);
  const once = costs.specReads;
  assert.ok(once > 0);
  for (let at = 0; at < 5; at++) {
    reject("bad.example is no host");
    await clock.advance(100);
  }
  assert.equal(costs.specReads, once);
  reject("bad.example is bad");
  await clock.advance(100);
  assert.equal(costs.specReads, 2 * once);
  write();
  reject("bad.example is bad");
  await clock.advance(100);
  assert.equal(costs.specReads, 3 * once);
});

test("where publishing takes long, the next waits nine times as long", async (t) => {
  const { clock, costs, reject, told } = rig(t);
  reject("first");
  costs.ofLookMs = 50;
  await clock.advance(100);
  assert.match(told()[0] ?? "", /first/);
  costs.ofLookMs = 0;
  reject("second");
  await clock.advance(449);
  assert.match(told()[0] ?? "", /first/);
  await clock.advance(1);
  assert.match(told()[0] ?? "", /second/);
  reject("third");
  await clock.advance(100);
  assert.match(told()[0] ?? "", /third/, "it did not take long this time");
});
