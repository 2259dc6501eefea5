import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { memoryStore } from "../../store/store.fake.ts";
import type { Store } from "../../store/store.ts";
import { MachineJournal } from "./machine-journal.ts";
import { decodeMachineRecord } from "./machine-record.ts";
import { Registration, restoredGraceMs } from "./registration.ts";
import { node as machineNode } from "./registration-rig.fake.ts";

const node = machineNode({
  cluster: "reviews.shop",
  labels: { app: "reviews" },
  dnsCapture: true,
  capabilities: new Set(["query"]),
  metadata: { LATEEN: {} },
});
const identities = ["spiffe://cluster.local/ns/shop/sa/reviews"];

function start(store: Store, clock: FakeClock) {
  const { log } = fakeLog();
  const graph = new Graph();
  const groups = new Source<Config<WorkloadGroup>>(graph, "groups");
  const key = { source: "s", group: "networking.istio.io", kind: "WorkloadGroup", namespace: "shop", name: "reviews" };
  groups.set(formatConfigKey(key), { key, meta: key, spec: { template: { serviceAccount: "reviews" } } });
  const journal = new MachineJournal({ store, clock, log });
  const registration = new Registration({ graph, groups, source: "c", controller: "cp", journal, clock, log });
  return { journal, registration };
}

describe("a control plane that starts again", () => {
  it("still has the machines that were connected, until they come back or their time is over", async () => {
    const [store, clock] = [memoryStore(), new FakeClock()];
    const first = start(store, clock);
    first.registration.connected({ connectionId: "1", identities, node });
    await first.journal.stop();
    await first.registration.stop();

    const second = start(store, clock);
    second.registration.restore(await second.journal.load());
    const [entry] = [...second.registration.entries.values()];
    assert.equal(entry?.spec.address, "10.0.0.1");
    second.registration.connected({ connectionId: "2", identities, node });
    await clock.advance(restoredGraceMs);
    assert.equal(second.registration.entries.size, 1, "it came back");
    await second.journal.stop();
    await second.registration.stop();

    const third = start(store, clock);
    third.registration.restore(await third.journal.load());
    await clock.advance(restoredGraceMs);
    assert.equal(third.registration.entries.size, 0, "it did not come back");
    await third.journal.stop();
    await third.registration.stop();

    const fourth = start(store, clock);
    assert.deepEqual(await fourth.journal.load(), []);
    await fourth.registration.stop();
  });
});

it("a damaged record is passed over", () => {
  for (const text of ["", "{", "null", '{"layout":2}', '{"layout":1}', '{"layout":1,"identity":"x","node":{}}']) {
    assert.equal(decodeMachineRecord(text), undefined);
  }
});
