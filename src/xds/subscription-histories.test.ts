import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ResourceTable } from "./resource-table.fake.ts";
import { Subscription } from "./subscription.ts";
import type { Batch, SubscriptionRequest } from "./subscription-request.ts";
import { typeUrls } from "./type-url.ts";

interface ClientKind {
  explains: boolean;
  salvages: boolean;
}

/** A client as the xDS protocol describes it, over a stream that keeps order in both directions. */
class ModelClient {
  readonly held = new Map<string, string>();
  readonly names = new Set<string>();
  readonly toServer: SubscriptionRequest[] = [];
  readonly toClient: { nonce: string; batch: Batch }[] = [];
  wildcard: boolean;
  /** Whether a rejection says which resource it means. */
  readonly explains: boolean;
  /** Whether it takes what it can of a message that it rejects, as Envoy does. */
  readonly salvages: boolean;

  constructor(wildcard: boolean, { explains, salvages }: ClientKind, held: ReadonlyMap<string, string>) {
    this.wildcard = wildcard;
    this.explains = explains;
    this.salvages = salvages;
    for (const [name, version] of held) this.held.set(name, version);
  }

  send(parts: Partial<SubscriptionRequest>): void {
    this.toServer.push({
      subscribe: [],
      unsubscribe: [],
      initialVersions: new Map(),
      nonce: "",
      rejection: undefined,
      ...parts,
    });
  }

  subscribe(name: string): void {
    this.names.add(name);
    this.send({ subscribe: [name] });
  }

  unsubscribe(name: string): void {
    if (!this.names.delete(name)) return;
    if (!this.wildcard) this.held.delete(name);
    this.send({ unsubscribe: [name] });
  }

  receive(): void {
    const message = this.toClient.shift();
    if (message === undefined) return;
    const { nonce, batch } = message;
    for (const { withheld } of batch.resources) assert.equal(withheld, undefined, "it must not be sent");
    const bad = batch.resources.filter((resource) => resource.version.startsWith("bad"));
    const why = this.explains ? bad.map((resource) => resource.name).join(", ") : "something is wrong";
    this.send({ nonce, rejection: bad.length > 0 ? why : undefined });
    if (bad.length > 0 && !this.salvages) return;
    for (const resource of batch.resources) {
      const { name, version } = resource;
      if (!bad.includes(resource) && (this.wildcard || this.names.has(name))) this.held.set(name, version);
    }
    for (const name of batch.removed) this.held.delete(name);
  }
}

type Step =
  | { kind: "set"; name: string; version: string }
  | { kind: "delete" | "subscribe" | "unsubscribe" | "demand"; name: string }
  | { kind: "hear" | "push" | "receive" | "reconnect" };

const name = fc.constantFrom("a", "b", "c", "d", "e");
const version = fc.constantFrom("1", "2", "3", "bad1", "bad2", "withheld1", "withheld2");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), name, version }),
  fc.record({ kind: fc.constantFrom("delete", "subscribe", "unsubscribe", "demand"), name }),
  fc.record({ kind: fc.constantFrom("hear", "push", "receive") }),
  fc.record({ kind: fc.constantFrom("hear", "push", "receive", "reconnect") }),
);

for (const wildcard of [true, false]) {
  test(`any order of events ends with the client holding exactly what it may have (${wildcard ? "wildcard" : "names"})`, () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60, size: "max" }),
        fc.record({ explains: fc.boolean(), salvages: fc.boolean() }),
        fc.boolean(),
        (steps, kind, split) => {
          const typeUrl = wildcard ? typeUrls.cluster : typeUrls.endpoint;
          const table = new ResourceTable(typeUrl, { a: "1", b: "1" });
          let client = new ModelClient(wildcard, kind, new Map());
          let server = new Subscription(typeUrl, table);
          table.subscribe((changes) => server.change(changes));
          if (wildcard) client.send({});
          let nonces = 0;
          const push = (): boolean => {
            const nonce = String(++nonces);
            const part = !split ? "all" : nonces % 2 === 0 ? "present" : "removed";
            const batch = server.take({ nonce, limitBytes: 1 << 20, part });
            if (batch !== undefined) client.toClient.push({ nonce, batch });
            return batch !== undefined;
          };
          const hear = (): boolean => {
            const request = client.toServer.shift();
            if (request !== undefined) server.receive(request);
            return request !== undefined;
          };
          for (const action of steps) {
            if (action.kind === "set") table.set(action.name, action.version);
            else if (action.kind === "delete") table.delete(action.name);
            else if (action.kind === "subscribe") client.subscribe(action.name);
            else if (action.kind === "unsubscribe") client.unsubscribe(action.name);
            else if (action.kind === "demand") server.demand(action.name);
            else if (action.kind === "hear") hear();
            else if (action.kind === "push") push();
            else if (action.kind === "receive") client.receive();
            else {
              const before = client;
              client = new ModelClient(wildcard, kind, before.held);
              for (const held of before.names) client.names.add(held);
              server = new Subscription(typeUrl, table);
              const subscribe = [...(wildcard && client.names.size > 0 ? ["*"] : []), ...client.names];
              client.send({ subscribe, initialVersions: new Map(before.held) });
            }
          }
          let rounds = 0;
          for (let idle = 0; idle < 2; rounds++) {
            assert.ok(rounds < 1000, "it never comes to rest");
            const heard = hear();
            const pushed = push();
            const received = client.toClient.length > 0;
            client.receive();
            idle = heard || pushed || received || client.toServer.length > 0 ? 0 : idle + 1;
          }
          for (const wanted of ["a", "b", "c", "d", "e"]) {
            if (!wildcard && !client.names.has(wanted)) {
              assert.equal(client.held.get(wanted), undefined, `${wanted} is not asked for`);
              assert.equal(server.refused.has(wanted), false, `${wanted} is not asked for, so it is not refused`);
              continue;
            }
            const there = table.get(wanted)?.version;
            if (there?.startsWith("withheld")) assert.equal(server.refused.has(wanted), false, "it was not even sent");
            else if (there?.startsWith("bad"))
              assert.ok(server.refused.has(wanted), `${wanted} is not known to be refused`);
            else {
              assert.equal(client.held.get(wanted), there, wanted);
              assert.equal(server.refused.has(wanted), false, `${wanted} is held`);
            }
          }
          const keepsOlder = [...server.refused.keys()].some((each) => client.held.has(each));
          if (keepsOlder || server.refused.size === 0) assert.equal(server.refusing, keepsOlder);
          assert.equal(server.settled, true);
        },
      ),
      { numRuns: 2000 },
    );
  });
}
