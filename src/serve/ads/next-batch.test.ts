import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ResourceTable } from "../../xds/resource-table.fake.ts";
import type { Batch } from "../../xds/subscription-request.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { freezeReferring, noteSent } from "./frozen-batch.ts";
import { takeNextBatch } from "./next-batch.ts";
import { pushRank } from "./push-rules.ts";
import { openTypeStream, receiveRequest, type TypeStream } from "./type-stream.ts";

const { cluster, endpoint, listener, route } = typeUrls;
const limits = { responseBytes: 4_000_000, holdMs: 15_000 };

/** A stream that has asked for clusters, load assignments, listeners and routes, and a client that keeps what it accepts. */
class Stream {
  readonly tables = new Map<string, ResourceTable>(
    [cluster, endpoint, listener, route].map((type) => [type, new ResourceTable(type)]),
  );
  readonly held = new Map<string, Map<string, string>>(
    [cluster, endpoint, listener, route].map((type) => [type, new Map()]),
  );
  readonly types: TypeStream[];
  readonly inFlight: { type: TypeStream; batch: Batch; nonce: string }[] = [];
  nowMs = 0;
  private nonces = 0;
  private readonly isEnvoy: boolean;

  /** @param client `envoy` asks for load assignments one by one, when it has been sent the clusters */
  constructor(client: "any" | "envoy" = "any") {
    this.isEnvoy = client === "envoy";
    this.types = [...this.tables].map(([type, table]) => openTypeStream(type, table, "delta"));
    this.types.sort((a, b) => pushRank(a.typeUrl) - pushRank(b.typeUrl));
    for (const type of this.types) {
      if (!this.isEnvoy || type.typeUrl !== endpoint) this.request(type, { subscribe: ["*"] });
      this.table(type.typeUrl).subscribe((changes) => type.subscription.change(changes));
    }
  }

  table(typeUrl: string): ResourceTable {
    return this.tables.get(typeUrl) as ResourceTable;
  }

  holds(typeUrl: string): Map<string, string> {
    return this.held.get(typeUrl) as Map<string, string>;
  }

  /** Sends one message; the client applies it at once, and answers when told to. */
  push(refuses: (version: string) => boolean = () => false): boolean {
    const nonce = String(++this.nonces);
    const next = takeNextBatch(this.types, { nonce, nowMs: this.nowMs, limits });
    if (next === undefined) return false;
    const { type, batch } = next;
    if (this.isEnvoy && type.typeUrl === cluster) this.await(type, batch);
    if (type.typeUrl === endpoint) noteSent(batch, this.types);
    if (type.typeUrl === endpoint || type.typeUrl === cluster) {
      freezeReferring(this.types, { nextNonce: () => String(++this.nonces), limitBytes: limits.responseBytes });
    }
    const held = this.holds(type.typeUrl);
    if (!batch.resources.some((resource) => refuses(resource.version))) {
      for (const resource of batch.resources) held.set(resource.name, resource.version);
      for (const name of batch.removed) held.delete(name);
    }
    this.inFlight.push({ type, batch, nonce: next.nonce });
    return true;
  }

  /** The client asks for the load assignments of the clusters that it was sent. */
  ask(): void {
    const endpoints = this.type(endpoint);
    const clusters = this.type(cluster);
    this.request(endpoints, { subscribe: clusters.awaited.map(({ name }) => name) });
    clusters.awaited = [];
  }

  private await(clusters: TypeStream, { resources }: Batch): void {
    const isAsked = (name: string): boolean => this.type(endpoint).subscription.wants(name);
    const names = resources.map(({ name }) => name).filter((name) => !isAsked(name));
    clusters.awaited = names.map((name) => ({ typeUrl: endpoint, name }));
  }

  private type(typeUrl: string): TypeStream {
    return this.types.find((type) => type.typeUrl === typeUrl) as TypeStream;
  }

  /** The client answers its oldest message. */
  answer(refuses: (version: string) => boolean = () => false): boolean {
    const message = this.inFlight.shift();
    if (message === undefined) return false;
    const bad = message.batch.resources.filter((resource) => refuses(resource.version));
    const rejection = bad.length === 0 ? undefined : bad.map((resource) => resource.name).join(", ");
    this.request(message.type, { nonce: message.nonce, ...(rejection === undefined ? {} : { rejection }) });
    return true;
  }

  private request(type: TypeStream, parts: { subscribe?: string[]; nonce?: string; rejection?: string }): void {
    const empty = { subscribe: [], unsubscribe: [], initialVersions: new Map<string, string>(), nonce: "" };
    const envelope = { typeUrl: type.typeUrl, node: undefined, error: undefined, rejection: undefined };
    receiveRequest(type, { ...empty, ...envelope, ...parts });
  }
}

/** A listener's version names its route, a route's version the clusters it sends to: `v1 a b`, or `bad1 a b`. */
type World = { routes: Record<string, { clusters: string[]; bad: boolean }>; listeners: Record<string, string> };

const clusterName = fc.constantFrom("a", "b", "c", "d");
const routeName = fc.constantFrom("r1", "r2");
const world: fc.Arbitrary<World> = fc.record({
  routes: fc.dictionary(
    routeName,
    fc.record({
      clusters: fc.uniqueArray(clusterName, { minLength: 1, maxLength: 3 }),
      bad: fc.nat({ max: 5 }).map((n) => n === 0),
    }),
    { noNullPrototype: true },
  ),
  listeners: fc.dictionary(fc.constantFrom("l1", "l2"), routeName, { noNullPrototype: true }),
});

/** Makes the tables equal to a world in which nothing refers to what is not there. */
function show(stream: Stream, next: World, generation: number): void {
  const clusters = new Set(Object.values(next.routes).flatMap((entry) => entry.clusters));
  const put = (typeUrl: string, contents: Map<string, string>): void => {
    const table = stream.table(typeUrl);
    for (const { name } of [...table.values()]) if (!contents.has(name)) table.delete(name);
    for (const [name, version] of contents) table.set(name, version);
  };
  // In no helpful order: only the stream's own rules make it right.
  put(
    route,
    new Map(
      Object.entries(next.routes).map(([name, { clusters: used, bad }]) => [
        name,
        `${bad ? "bad" : "v"}${generation} ${used.join(" ")}`,
      ]),
    ),
  );
  const served = Object.entries(next.listeners).filter(([, name]) => next.routes[name] !== undefined);
  put(listener, new Map(served));
  put(endpoint, new Map([...clusters].map((name) => [name, "1"])));
  put(cluster, new Map([...clusters].map((name) => [name, "1"])));
}

function check(stream: Stream): void {
  for (const [name, version] of stream.holds(route)) {
    for (const used of version.split(" ").slice(1)) {
      assert.ok(stream.holds(cluster).has(used), `route ${name} sends to cluster ${used}, which the client has not`);
      assert.ok(stream.holds(endpoint).has(used), `route ${name} sends to cluster ${used}, which has no endpoints`);
    }
  }
}

const isBad = (version: string): boolean => version.startsWith("bad");

test("wherever a stream is cut, no route the client holds sends to a cluster it has not", () => {
  const step = fc.oneof(
    { weight: 2, arbitrary: world },
    { weight: 5, arbitrary: fc.constantFrom("push" as const, "answer" as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const stream = new Stream();
      let generation = 0;
      let last: World = { routes: {}, listeners: {} };
      for (const action of steps) {
        if (action === "push") stream.push(isBad);
        else if (action === "answer") stream.answer(isBad);
        else {
          last = action;
          show(stream, last, ++generation);
        }
        check(stream);
      }
      for (const bad of [true, false]) {
        if (!bad) {
          // The author mends what was refused; then nothing is held back any more.
          const routes = Object.fromEntries(Object.entries(last.routes).map(([k, v]) => [k, { ...v, bad: false }]));
          show(stream, { ...last, routes }, ++generation);
        }
        for (let moved = true; moved; check(stream)) {
          const pushed = stream.push(isBad);
          moved = stream.answer(isBad) || pushed;
        }
      }
      for (const [type, table] of stream.tables) {
        const present = new Map([...table.values()].map(({ name, version }) => [name, version]));
        assert.deepEqual(new Map([...stream.holds(type)].sort()), new Map([...present].sort()), type);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a cluster stays as long as a refused route may still send to it", () => {
  const stream = new Stream();
  const settle = (): void => {
    while (stream.push(isBad) || stream.answer(isBad)) {}
  };
  show(stream, { routes: { r1: { clusters: ["a"], bad: false } }, listeners: {} }, 1);
  settle();
  show(stream, { routes: { r1: { clusters: ["b"], bad: true } }, listeners: {} }, 2);
  settle();
  stream.nowMs += 60_000;
  settle();
  assert.deepEqual([...stream.holds(cluster).keys()], ["a", "b"]);
  assert.deepEqual([...stream.holds(route).values()], ["v1 a"]);
  show(stream, { routes: { r1: { clusters: ["b"], bad: false } }, listeners: {} }, 3);
  settle();
  assert.deepEqual([...stream.holds(cluster).keys()], ["b"]);
});

test("a refused listener that the client never had a version of holds no removal back", () => {
  const stream = new Stream();
  const isTaken = (version: string): boolean => version === "taken";
  const settle = (): void => {
    while (stream.push(isTaken) || stream.answer(isTaken)) {}
  };
  show(stream, { routes: { r1: { clusters: ["a"], bad: false } }, listeners: { "10.0.0.1_80": "r1" } }, 1);
  stream.table(listener).set("10.0.0.1_80", "taken");
  settle();
  assert.deepEqual([...stream.holds(listener).keys()], []);
  stream.table(cluster).delete("a");
  settle();
  assert.deepEqual([...stream.holds(cluster).keys()], []);
});

test("a client that does not answer holds nothing up for ever", () => {
  const stream = new Stream();
  while (stream.push()) {}
  const [unanswered] = stream.inFlight.filter(({ type }) => type.typeUrl === cluster);
  assert.ok(unanswered);
  stream.inFlight.splice(stream.inFlight.indexOf(unanswered), 1);
  while (stream.answer()) {}
  stream.table(cluster).set("b", "1");
  stream.table(route).set("r", "v1 b");
  assert.equal(stream.push(), false, "the route waits for its cluster, and that for an answer");
  stream.nowMs += limits.holdMs;
  assert.equal(stream.push(), true);
  assert.ok(stream.holds(route).has("r"));
});

test("routes come although clusters change more often than the client answers", () => {
  const stream = new Stream();
  const change = (turn: number): void => {
    stream.table(cluster).set(`c${turn}`, "1");
    stream.table(endpoint).set(`c${turn}`, "1");
    stream.table(route).set("r", `v${turn} c${turn}`);
  };
  let sent = 0;
  let latest = -1;
  for (let turn = 0; turn < 60; turn++) {
    change(turn);
    stream.answer();
    while (stream.push()) {}
    check(stream);
    const shown = Number(/\d+/.exec(stream.holds(route).get("r") ?? "")?.[0] ?? -1);
    if (shown > latest) sent += 1;
    latest = shown;
  }
  assert.ok(sent >= 10, `routes were sent ${sent} times in 60 turns`);
  assert.ok(latest >= 50, `the client's routes are those of turn ${latest} of 60`);
});

test("routes to a cluster that is gone again before its endpoints were sent are never sent", () => {
  const stream = new Stream();
  const settle = (): void => {
    while (stream.push() || stream.answer()) check(stream);
  };
  show(stream, { routes: { r1: { clusters: ["a"], bad: false } }, listeners: {} }, 1);
  settle();
  stream.table(endpoint).set("a", "2");
  assert.equal(stream.push(), true, "load assignments are in flight");
  show(stream, { routes: { r1: { clusters: ["b"], bad: false } }, listeners: {} }, 2);
  while (stream.push()) check(stream);
  show(stream, { routes: { r1: { clusters: ["a"], bad: false } }, listeners: {} }, 3);
  settle();
  assert.deepEqual([...stream.holds(route).values()], ["v3 a"]);
});

test("nor are they sent once the client has been told that there are no endpoints", () => {
  const stream = new Stream("envoy");
  const push = (): void => {
    while (stream.push()) check(stream);
  };
  const settle = (): void => {
    push();
    stream.ask();
    push();
    while (stream.answer()) push();
  };
  show(stream, { routes: { r1: { clusters: ["a"], bad: false } }, listeners: {} }, 1);
  settle();
  assert.deepEqual([...stream.holds(route).values()], ["v1 a"]);
  show(stream, { routes: { r1: { clusters: ["b"], bad: false } }, listeners: {} }, 2);
  push();
  show(stream, { routes: { r1: { clusters: ["a"], bad: false } }, listeners: {} }, 3);
  settle();
  assert.deepEqual([...stream.holds(route).values()], ["v3 a"]);
});
