import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import { AnswerRequestSchema, type Query, QuerySchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { LateenError } from "../../kernel/error.ts";
import { systemRandom } from "../../kernel/random.ts";
import type { ClientView, XdsClient } from "../../xds/generator.ts";
import { NodeSchema, readNode } from "../../xds/node-info.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { AdsClient } from "../ads/ads-client.fake.ts";
import { ResourceTables, startAdsRig } from "../ads/ads-rig.fake.ts";
import { QueryBroker, type Question } from "./query-broker.ts";

const reviews = "spiffe://cluster.local/ns/shop/sa/reviews" as SpiffeId;
const status: Question = { case: "agent", value: { topic: "status" } };
const metadata = { LATEEN: { capabilities: ["query"] } };

const isCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof LateenError && error.code === code;

/** @param machineOf which WorkloadEntry a stream is registered as; by default the one named like the connection */
function startBroker(machineOf: (connectionId: string) => string | undefined = (id) => `WorkloadEntry/shop/${id}`) {
  const clock = new FakeClock();
  const broker = new QueryBroker({ machineOf, clock, random: systemRandom });
  const tables = new ResourceTables();
  const generator = broker.layer(tables);
  const open = (
    machine = "vm-1.shop",
    identities: readonly string[] = [reviews],
    connectionId = machine.split(".")[0] ?? "",
  ): ClientView => {
    const id = `sidecar~10.0.0.1~${machine}~shop.svc.cluster.local`;
    const client: XdsClient = { node: readNode(create(NodeSchema, { id, metadata })), identities };
    return generator.open(client, connectionId);
  };
  const questionsOf = (view: ClientView): Query[] =>
    [...view.resources(typeUrls.query).values()].map((resource) => fromBinary(QuerySchema, resource.body));
  const answer = (queryId: string, more: { error?: string } = {}) =>
    create(AnswerRequestSchema, {
      queryId,
      status: 200,
      contentType: "application/json",
      body: Buffer.from("{}"),
      ...more,
    });
  return { clock, broker, tables, generator, open, questionsOf, answer };
}

async function startStream(t: TestContext) {
  const { broker, generator, answer } = startBroker();
  const peer = {
    kind: "verified",
    identities: [reviews],
    expiresAtMs: Number.MAX_SAFE_INTEGER,
    serialNumber: "1",
  } as const;
  const rig = await startAdsRig({ generator, peer });
  t.after(() => rig.stop());
  return { broker, rig, answer };
}

async function nextQuestion(client: AdsClient): Promise<string> {
  for (;;) {
    const message = await client.nextAcked();
    if (message.typeUrl === typeUrls.query && message.names[0] !== undefined) return message.names[0];
  }
}

test("a question travels on the machine's stream, and its answer comes back", async (t) => {
  const { broker, rig, answer } = await startStream(t);
  const machine = rig.client({ node: { metadata } });
  machine.subscribe(typeUrls.query);
  await machine.nextAcked();
  const asked = broker.ask("vm-1.shop", status, { timeoutMs: 5_000 });
  const id = await nextQuestion(machine);
  broker.answer(reviews, answer(id));
  assert.deepEqual(await asked, { status: 200, contentType: "application/json", body: Buffer.from("{}") });
  const removal = await machine.nextAcked();
  assert.deepEqual(removal.removed, [id]);
  await rig.clock.advance(200);
  assert.equal([...rig.ads.statuses().values()][0]?.queryable, true);
});

test("a machine that goes away before it answered fails the question at once", async (t) => {
  const { broker, rig } = await startStream(t);
  const machine = rig.client({ node: { metadata } });
  machine.subscribe(typeUrls.query);
  await machine.nextAcked();
  const asked = assert.rejects(broker.ask("vm-1.shop", status, { timeoutMs: 5_000 }), isCode("LAT2111"));
  await nextQuestion(machine);
  await machine.close();
  await asked;
});

test("a machine that is not connected, or cannot answer, is not asked", async (t) => {
  const { broker, rig } = await startStream(t);
  const ask = () => broker.ask("vm-1.shop", status, { timeoutMs: 5_000 });
  await assert.rejects(ask(), isCode("LAT2111"));
  const foreign = rig.client();
  foreign.subscribe(typeUrls.cluster);
  await foreign.nextAcked();
  await assert.rejects(ask(), isCode("LAT2111"), "Istio's agents answer no questions");
});

test("only the machine that was asked may answer, and only once", async () => {
  const { broker, open, questionsOf, answer, clock } = startBroker();
  const view = open();
  const asked = broker.ask("vm-1.shop", status, { timeoutMs: 5_000 });
  const [query] = questionsOf(view);
  assert.equal(query?.timeoutMs, 4_500, "the agent gives up before the asker does");
  const id = query?.id ?? "";
  assert.ok(id.length >= 22, "an id that cannot be guessed");
  assert.throws(() => broker.answer("spiffe://cluster.local/ns/shop/sa/ratings", answer(id)), isCode("LAT2114"));
  assert.throws(() => broker.answer(reviews, answer("other")), isCode("LAT2114"));
  broker.answer(reviews, answer(id));
  await asked;
  assert.throws(() => broker.answer(reviews, answer(id)), isCode("LAT2114"));
  assert.deepEqual(questionsOf(view), []);
  assert.equal(clock.pending, 0);
});

test("a stream that is not registered is asked nothing, though it is the newest of its name", async () => {
  const { broker, open, questionsOf, answer } = startBroker((id) =>
    id === "owner" ? "WorkloadEntry/shop/vm-1" : undefined,
  );
  const impostor = (): ClientView => open("vm-1.shop", ["spiffe://cluster.local/ns/shop/sa/low"], "impostor");
  impostor();
  await assert.rejects(broker.ask("vm-1.shop", status, { timeoutMs: 1_000 }), isCode("LAT2111"));
  const owner = open("vm-1.shop", [reviews], "owner");
  const newest = impostor();
  const asked = broker.ask("vm-1.shop", status, { timeoutMs: 1_000 });
  assert.deepEqual(questionsOf(newest), []);
  broker.answer(reviews, answer(questionsOf(owner)[0]?.id ?? ""));
  await asked;
});

test("where two machines are registered under one name, neither is asked, and both are named", async () => {
  const { broker, open } = startBroker((id) => `WorkloadEntry/shop/${id}`);
  open("vm-1.shop", [reviews], "reviews-vm-1");
  const low = open("vm-1.shop", ["spiffe://cluster.local/ns/shop/sa/low"], "low-vm-1");
  await assert.rejects(broker.ask("vm-1.shop", status, { timeoutMs: 1_000 }), (error) => {
    return isCode("LAT2116")(error) && /sa\/reviews .*sa\/low/.test(String(error));
  });
  low.close();
  const asked = assert.rejects(broker.ask("vm-1.shop", status, { timeoutMs: 1_000 }), isCode("LAT2105"));
  await broker.stop();
  await asked;
});

test("how many questions wait for an identity is known", async () => {
  const { broker, open } = startBroker();
  open();
  open("vm-2.shop", ["spiffe://cluster.local/ns/shop/sa/low"]);
  const asked = ["vm-1.shop", "vm-1.shop", "vm-2.shop"].map((name) => broker.ask(name, status, { timeoutMs: 1_000 }));
  const all = Promise.allSettled(asked);
  assert.equal(broker.questionsTo(reviews), 2);
  assert.equal(broker.questionsTo("spiffe://cluster.local/ns/shop/sa/other"), 0);
  await broker.stop();
  await all;
  assert.equal(broker.questionsTo(reviews), 0);
});

test("an agent's error reaches the asker", async () => {
  const { broker, open, questionsOf, answer } = startBroker();
  const view = open();
  const asked = broker.ask("vm-1.shop", status, { timeoutMs: 5_000 });
  broker.answer(reviews, answer(questionsOf(view)[0]?.id ?? "", { error: "Envoy does not answer" }));
  await assert.rejects(asked, (error) => isCode("LAT2115")(error) && /Envoy does not answer/.test(String(error)));
});

test("a question that nobody answers ends in time and leaves nothing behind", async () => {
  const { broker, open, questionsOf, clock } = startBroker();
  const view = open();
  const asked = assert.rejects(broker.ask("vm-1.shop", status, { timeoutMs: 1_000 }), isCode("LAT2112"));
  await clock.advance(1_000);
  await asked;
  assert.deepEqual(questionsOf(view), []);
  assert.equal(clock.pending, 0);
});

test("at most 64 questions wait for one machine, and each machine has its own", async () => {
  const { broker, open, questionsOf } = startBroker();
  const view = open();
  const other = open("vm-2.shop");
  const asked = Array.from({ length: 64 }, () => broker.ask("vm-1.shop", status, { timeoutMs: 1_000 }));
  const all = Promise.allSettled(asked);
  await assert.rejects(broker.ask("vm-1.shop", status, { timeoutMs: 1_000 }), isCode("LAT2113"));
  assert.equal(questionsOf(view).length, 64);
  assert.equal(questionsOf(other).length, 0);
  await broker.stop();
  assert.ok((await all).every((result) => result.status === "rejected" && isCode("LAT2105")(result.reason)));
});

test("of several streams of a machine the newest is asked, and the end of an old one harms nothing", async () => {
  const { broker, open, questionsOf, answer } = startBroker();
  const old = open();
  const present = open();
  const asked = broker.ask("vm-1.shop", status, { timeoutMs: 1_000 });
  assert.equal(questionsOf(old).length, 0);
  old.close();
  broker.answer(reviews, answer(questionsOf(present)[0]?.id ?? ""));
  await asked;
  present.close();
  await assert.rejects(broker.ask("vm-1.shop", status, { timeoutMs: 1_000 }), isCode("LAT2111"));
});

test("machines that share a name are asked by their WorkloadEntry or node id", async () => {
  const { broker, open, questionsOf, answer } = startBroker((id) => `c/networking.istio.io/WorkloadEntry/shop/${id}`);
  const [front, back] = [open("vm.shop", [reviews], "front-vm"), open("vm.shop", [reviews], "back-vm")];
  open("other.shop", [reviews], "other");
  await assert.rejects(broker.ask("vm.shop", status, { timeoutMs: 5_000 }), isCode("LAT2116"));
  const asked = broker.ask("back-vm.shop", status, { timeoutMs: 5_000 });
  assert.equal(questionsOf(front).length, 0);
  broker.answer(reviews, answer(questionsOf(back)[0]?.id ?? ""));
  await asked;
  const byNode = broker.ask("sidecar~10.0.0.1~other.shop~shop.svc.cluster.local", status, { timeoutMs: 5_000 });
  await assert.rejects(broker.ask("none.shop", status, { timeoutMs: 5_000 }), isCode("LAT2111"));
  await broker.stop();
  await assert.rejects(byNode, isCode("LAT2105"));
});

test("who calls itself like the WorkloadEntry or the id of another machine is not asked in its place", async () => {
  const { broker, open, questionsOf } = startBroker((id) => (id === "nobody" ? undefined : `WorkloadEntry/shop/${id}`));
  open("vm.shop", [reviews], "reviews-vm");
  const low = ["spiffe://cluster.local/ns/shop/sa/low"];
  const impostor = open("reviews-vm.shop", low, "low-vm");
  open("vm.shop", low, "nobody");
  await assert.rejects(broker.ask("reviews-vm.shop", status, { timeoutMs: 5_000 }), isCode("LAT2116"));
  assert.deepEqual(questionsOf(impostor), []);
  const asked = assert.rejects(broker.ask("vm.shop", status, { timeoutMs: 5_000 }), isCode("LAT2105"));
  await broker.stop();
  await asked;
});
