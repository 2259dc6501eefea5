import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { ResourceChange, ResourceSet } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";
import { ResourceTable } from "../../xds/resource-table.fake.ts";
import type { ServedSet, Substitution } from "../../xds/substitution.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { Book } from "./book.ts";
import type { BookLimits, Recipient } from "./book-ports.ts";
import type { Party } from "./party.ts";
import type { RefusedCase } from "./refused-case.ts";
import { againMs, restMs, trialMs, trialsAtOnce } from "./trial-times.ts";
import { WatchedSet } from "./watched-set.ts";

const envoyVersion = "1.40.0";
const typeUrl = typeUrls.cluster;

/** A book over one table, which every stream of `recipients` gets. */
function rig(limits: Partial<BookLimits> = {}) {
  const table = new ResourceTable(typeUrl);
  const substitutions = new Map<string, Substitution>();
  const full: string[] = [];
  const recipients = new Map<string, string>();
  const since = new Map<string, number>();
  const said: string[] = [];
  const book = new Book(
    {
      *recipients(_type, name): Iterable<Recipient> {
        const resource = table.get(name);
        if (resource === undefined) return;
        for (const [connectionId, certificate] of recipients) {
          const party = partyOf(certificate);
          yield { connectionId, certificate, party, envoyVersion, resource, sinceMs: since.get(connectionId) ?? 0 };
        }
      },
      substitute(key, substitution) {
        if (substitution === undefined) substitutions.delete(key);
        else substitutions.set(key, substitution);
      },
      changed: ({ subject, verdict, current }: RefusedCase) =>
        void said.push(`${subject.name} ${current ? verdict : "over"}`),
      full: (limit) => full.push(limit),
      now: () => 0,
    },
    limits,
  );
  const set: ServedSet = { key: "scope", typeUrl, envoyVersion, made: table, served: table };
  const unwatch = book.watch(set);
  const reject = (connectionId: string, name: string, message = "no"): void => {
    const certificate = recipients.get(connectionId) ?? connectionId;
    const resource = table.get(name);
    assert.ok(resource !== undefined);
    const refuser = { proxy: connectionId, certificate, party: partyOf(certificate), message };
    book.reject({ connectionId, refuser, envoyVersion, typeUrl, resources: [resource] });
  };
  const accept = (connectionId: string, name: string): void => {
    book.accept(connectionId, envoyVersion, typeUrl, [table.get(name) as Resource]);
  };
  const open = (certificate: string, resources: ResourceSet, held = new Map<string, string>()): void => {
    const about = { certificate, party: partyOf(certificate), envoyVersion, typeUrl };
    book.opened({ ...about, connectionId: `of ${certificate}`, resources, held });
  };
  return { table, substitutions, full, recipients, since, said, book, reject, accept, open, unwatch };
}

/** Of certificates such as `account/machine/serial`; of others, each is of an account of its own. */
function partyOf(certificate: string): Party {
  const [account = "", machine] = certificate.split("/");
  return { account, machine: machine === "" ? undefined : machine };
}

test("one party's word is not enough while another gets the content; two are, and an acknowledgement lifts it", () => {
  const { table, substitutions, recipients, reject, accept } = rig();
  recipients.set("one", "a").set("two", "a").set("three", "b");
  table.set("c", "1");
  reject("one", "c");
  reject("two", "c");
  assert.equal(substitutions.size, 0, "two streams of one certificate are one party");
  reject("three", "c");
  assert.equal(substitutions.size, 1);
  accept("four", "c");
  assert.equal(substitutions.size, 0);
  reject("one", "c");
  assert.equal(substitutions.size, 0, "somebody has accepted it");
});

test("the word of the only proxy that gets the content counts, until another one comes", () => {
  const { table, substitutions, recipients, reject, open } = rig();
  recipients.set("one", "a");
  table.set("c", "1");
  reject("one", "c");
  assert.equal(substitutions.size, 1);
  open("a", table);
  assert.equal(substitutions.size, 1, "the same party");
  open("b", new ResourceTable(typeUrl, { c: "other" }));
  assert.equal(substitutions.size, 1, "one that gets something else");
  open("b", table);
  assert.equal(substitutions.size, 0);
});

test("certificates make no parties, nor does a stream of the account that is not registered; registered machines do", () => {
  const { table, substitutions, recipients, reject } = rig();
  recipients.set("one", "a/m1/1").set("two", "a/m1/2").set("three", "a//3").set("other", "a/m2/4");
  table.set("c", "1");
  for (const connection of ["one", "two", "three"]) reject(connection, "c");
  assert.equal(substitutions.size, 0, "one machine may have said all of it");
  reject("other", "c");
  assert.equal(substitutions.size, 1);
});

test("content that all reject that get it is set aside, whatever party they are", () => {
  const { table, substitutions, recipients, reject } = rig();
  recipients.set("one", "a//1").set("two", "a//2");
  table.set("c", "1");
  reject("one", "c");
  assert.equal(substitutions.size, 0, "the account alone does not speak for all of its machines");
  reject("two", "c");
  assert.equal(substitutions.size, 1);
});

test("what two reject is offered again to one that has not spoken, until it is accepted", () => {
  const { table, substitutions, recipients, reject, accept, book } = rig();
  recipients.set("one", "a/m1").set("two", "a/m2").set("silent", "a/m3");
  table.set("c", "1");
  book.tick(0);
  reject("one", "c");
  reject("two", "c");
  book.tick(restMs - 1);
  assert.equal(substitutions.size, 1, "not at once");
  book.tick(restMs);
  assert.equal(substitutions.size, 0);
  reject("one", "c");
  reject("two", "c");
  assert.equal(substitutions.size, 0, "those who are to be sent it come first");
  accept("silent", "c");
  book.tick(restMs + trialMs);
  reject("one", "c");
  reject("two", "c");
  assert.equal(substitutions.size, 0);
});

test("what is bad is set aside after its trial, and offered no more but to those who come", () => {
  const { table, substitutions, recipients, since, reject, book } = rig();
  recipients.set("one", "a/m1").set("two", "a/m2").set("silent", "a/m3");
  table.set("c", "1");
  book.tick(0);
  const rejectAll = (): void => {
    for (const connection of ["one", "two"]) reject(connection, "c");
  };
  rejectAll();
  book.tick(restMs);
  rejectAll();
  book.tick(restMs + trialMs);
  assert.equal(substitutions.size, 1);
  for (let at = 2; at < 10; at++) {
    book.tick(at * restMs);
    assert.equal(substitutions.size, 1, "everybody was sent it");
  }
  recipients.set("late", "a/m4");
  since.set("late", 9 * restMs + 1);
  book.tick(10 * restMs);
  assert.equal(substitutions.size, 0);
  rejectAll();
  book.tick(10 * restMs + trialMs);
  assert.equal(substitutions.size, 1);
  book.tick(9 * restMs + againMs);
  assert.equal(substitutions.size, 1);
  book.tick(10 * restMs + againMs);
  assert.equal(substitutions.size, 0, "who was too slow is not forgotten");
});

test("nothing is offered again where everybody has spoken, and only so much at a time", () => {
  const { table, substitutions, recipients, reject, book } = rig();
  recipients.set("one", "a/m1/1").set("two", "a/m2/2");
  const names = Array.from({ length: 2 * trialsAtOnce }, (_, at) => `c${at}`);
  book.tick(0);
  for (const name of names) {
    table.set(name, "1");
    reject("one", name);
    reject("two", name);
  }
  recipients.set("again", "a/m2/3");
  book.tick(restMs);
  book.tick(restMs + trialMs);
  assert.equal(substitutions.size, names.length, "a new certificate is nobody new");
  recipients.set("silent", "a/m3/1");
  book.tick(3 * restMs);
  assert.equal(substitutions.size, names.length - trialsAtOnce);
});

test("who comes with what is set aside has accepted it, and it is served again", () => {
  const { table, substitutions, recipients, reject, open } = rig();
  recipients.set("one", "a").set("two", "b");
  table.set("c", "1");
  reject("one", "c");
  reject("two", "c");
  const version = table.get("c")?.version ?? "";
  open("c", new ResourceTable(typeUrl), new Map([["c", `not ${version}`]]));
  assert.equal(substitutions.size, 1);
  open("c", new ResourceTable(typeUrl), new Map([["c", version]]));
  assert.equal(substitutions.size, 0);
});

test("when all others have gone, the word of the one that stays counts; of one that is gone, it does not", () => {
  const { table, substitutions, recipients, reject, book, said } = rig();
  recipients.set("one", "a").set("two", "b");
  table.set("c", "1");
  reject("one", "c");
  recipients.delete("two");
  book.left("two", envoyVersion);
  assert.equal(substitutions.size, 1);
  table.set("d", "1");
  recipients.set("two", "b");
  reject("two", "d");
  recipients.delete("two");
  book.left("two", envoyVersion);
  assert.equal(substitutions.size, 1);
  assert.equal(said.at(-1), "d over");
});

test("what is because of the machine is set aside for nobody", () => {
  const { table, substitutions, recipients, reject } = rig();
  recipients.set("one", "a").set("two", "b");
  table.set("l", "1");
  for (const connection of recipients.keys())
    reject(connection, "l", "l: cannot bind '0.0.0.0:80': Address already in use");
  assert.equal(substitutions.size, 0);
});

test("an acknowledgement that is taken back counts no more: an agent speaks for an Envoy that is away", () => {
  const { table, substitutions, recipients, reject, accept } = rig();
  recipients.set("one", "a").set("two", "b");
  table.set("c", "1");
  accept("one", "c");
  reject("two", "c");
  assert.equal(substitutions.size, 0);
  reject("one", "c");
  assert.equal(substitutions.size, 1);
});

test("content that comes back to what was set aside is still known", () => {
  const { table, substitutions, recipients, reject, book } = rig();
  recipients.set("one", "a").set("two", "b");
  table.set("c", "bad");
  for (const connection of recipients.keys()) reject(connection, "c");
  table.set("c", "good");
  assert.equal([...book.current()].length, 0);
  assert.equal(substitutions.size, 1, "it is remembered");
  table.set("c", "bad");
  assert.equal([...book.current()].length, 1);
});

test("where nobody is connected any more, the author hears of it until the object changes", () => {
  const { table, recipients, reject, book, unwatch } = rig();
  recipients.set("one", "a").set("two", "b");
  const sources = [{ kind: "ServiceEntry", namespace: "shop", name: "a" }];
  table.set("c", "bad");
  Object.assign(table.get("c") ?? {}, { sources });
  for (const connection of recipients.keys()) reject(connection, "c");
  unwatch();
  assert.equal([...book.current()].length, 1);
  book.objectChanged({ kind: "ServiceEntry", namespace: "shop", name: "b" });
  assert.equal([...book.current()].length, 1);
  book.objectChanged({ kind: "ServiceEntry", namespace: "shop", name: "a" });
  assert.equal([...book.current()].length, 0);
});

test("a party that rejects everything fills neither the book nor the place of others", () => {
  const { table, substitutions, recipients, reject, book, full } = rig({ cases: 16, perParty: 8 });
  recipients.set("hostile", "h").set("one", "a").set("two", "b");
  for (let at = 0; at < 100; at++) {
    table.set(`c${at}`, "1");
    reject("hostile", `c${at}`);
  }
  assert.equal(book.counts.cases, 8);
  assert.equal(full.length, 92);
  for (let at = 0; at < 20; at++) {
    for (const connection of ["one", "two"]) reject(connection, `c${at + 50}`);
  }
  assert.equal(book.counts.cases, 16);
  assert.equal(substitutions.size, 16, "at the bound, the rest stays with its streams");
});

test("nor does one that is alone of its Envoy version", () => {
  const { table, substitutions, recipients, reject, book } = rig({ cases: 16, perParty: 12 });
  recipients.set("hostile", "h");
  for (let at = 0; at < 100; at++) {
    table.set(`c${at}`, "1");
    reject("hostile", `c${at}`);
  }
  assert.deepEqual([book.counts.cases, substitutions.size], [12, 12]);
  recipients.set("one", "a").set("two", "b");
  for (let at = 0; at < 16; at++) {
    for (const connection of ["one", "two"]) reject(connection, `c${at + 50}`);
  }
  const names = new Set([...substitutions.values()].map(({ name }) => name));
  assert.ok(
    [...names].every((name) => Number(name.slice(1)) >= 50),
    "what two say comes before what one says",
  );
});

test("what is over makes room for what is new", () => {
  const { table, substitutions, recipients, reject, book } = rig({ cases: 4 });
  recipients.set("one", "a").set("two", "b");
  for (let at = 0; at < 50; at++) {
    table.set("c", `bad ${at}`);
    for (const connection of recipients.keys()) reject(connection, "c");
  }
  assert.equal(book.counts.cases, 4);
  assert.equal(substitutions.size, 4);
  assert.equal([...book.current()].length, 1);
});

/** A set whose changes a test tells itself, so that it holds nothing. */
const emptySet: ResourceSet = { size: 0, get: () => undefined, values: () => [].values(), subscribe: () => () => {} };

test("however often content changes, only what was accepted last is held", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const accepted = new WeakSet<Resource>();
  const set: ServedSet = { key: "scope", typeUrl, envoyVersion, made: emptySet, served: emptySet };
  const watched = new WatchedSet(set, (resource) => accepted.has(resource));
  const make = (at: number): Resource => {
    return { typeUrl, name: "c", version: String(at), body: new Uint8Array(16), sources: [] };
  };
  const refs: WeakRef<Resource>[] = [];
  let last = make(0);
  const churn = (count: number, isAccepted: (at: number) => boolean): void => {
    for (let at = 0; at < count; at++) {
      if (isAccepted(at)) accepted.add(last);
      refs.push(new WeakRef(last));
      const next = make(at + 1);
      const change: ResourceChange = { key: "c", before: last, after: next };
      watched.changed([change]);
      last = next;
    }
  };
  churn(500, (at) => at === 0);
  churn(500, (at) => at % 3 === 0);
  await new Promise((resolve) => setImmediate(resolve)); // WeakRefs hold until the turn is over
  collect();
  const alive = refs.filter((ref) => ref.deref() !== undefined).length;
  assert.ok(alive <= 1, `${alive} of 1000 are held`);
});
