import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import type { Kind } from "../../config/kind.ts";
import type { Config } from "../../config/object.ts";
import { peerAuthenticationKind } from "../../config/peer-authentication/peer-authentication.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { memoryStore } from "../../store/store.fake.ts";
import { eventLogLimit, watchBufferLimit } from "./limits.ts";
import { objectStatus } from "./object-status.ts";
import { openObjectView } from "./object-view.ts";
import { watchOptions } from "./query-options.ts";
import { renderObject } from "./render-object.ts";
import { chooseRepresentation } from "./representation.ts";
import { watchObjects } from "./watch-objects.ts";

const kind = peerAuthenticationKind as Kind;

test("x8-slow-reader: a client that does not read is not fed, and is told when it was overtaken", async () => {
  const objects = new Source<Config>(new Graph(), "objects");
  const clock = new FakeClock();
  const view = await openObjectView({
    objects,
    source: "c",
    namespaces: [],
    revisions: memoryStore(),
    clock,
    log: fakeLog().log,
  });
  const lines: string[] = [];
  let waitingBytes = 0;
  let takeAll: () => void = () => {};
  const wake: () => void = () => {};
  const stop = new AbortController();
  const sink = {
    write(line: string): void {
      lines.push(line);
      waitingBytes += line.length;
      wake();
    },
    get waitingBytes() {
      return waitingBytes;
    },
    drained: () =>
      new Promise<void>((resolve) => {
        takeAll = () => {
          waitingBytes = 0;
          resolve();
        };
        wake();
      }),
    signal: stop.signal,
  };
  const representation = chooseRepresentation(undefined, null, { kind, version: "v1", nowMs: 0 });
  const options = watchOptions(new URLSearchParams(`resourceVersion=${view.revision}`));
  const render = (entry: Parameters<typeof renderObject>[0]) => renderObject(entry, "v1", objectStatus);
  const done = watchObjects({ view, kind, namespace: "", options, representation, render, clock }, sink);
  const change = async (round: number): Promise<void> => {
    const meta = { name: "a", namespace: "shop", annotations: { round: `${round}`, text: "x".repeat(1000) } };
    const key = { source: "c", group: kind.group, kind: kind.kind, namespace: "shop", name: "a" };
    objects.set("c/security.istio.io/PeerAuthentication/shop/a", { key, meta, spec: {} });
    await view.settled();
  };
  for (let round = 0; round < eventLogLimit + 2000; round++) await change(round);
  // One line more than the bound, not all of them.
  const fed = lines.reduce((sum, line) => sum + line.length, 0);
  assert.ok(fed > watchBufferLimit && fed < watchBufferLimit + 2000);
  takeAll();
  await done;
  const last = JSON.parse(lines.at(-1) ?? "") as { type: string; object: { code: number } };
  assert.deepEqual([last.type, last.object.code], ["ERROR", 410]);
  await view.stop();
  assert.equal(clock.pending, 0);
  stop.abort();
});
