import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { QuerySchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { fromUtf8 } from "../../kernel/bytes.ts";
import { systemClock } from "../../kernel/clock.ts";
import { LateenError } from "../../kernel/error.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { fakeAdmin } from "../envoy/admin.fake.ts";
import { ResourceCache } from "../xds-relay/resource-cache.ts";
import { checkAdminQuestion } from "./admin-question.ts";
import { type Answer, answerLimitBytes, concurrencyLimit, QueryAnswerer } from "./query-answerer.ts";

type Test = { after(fn: () => Promise<void>): void };

async function setUp(t: Test, topics = new Map<string, () => Promise<unknown>>()) {
  const asked: string[] = [];
  const admin = await fakeAdmin(t, (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url === "/stats")
      response.writeHead(200, { "content-length": answerLimitBytes + 1 }).write("x".repeat(1000));
    else if (request.url === "/memory")
      return; // never answered
    else response.writeHead(200, { "content-type": "application/json" }).end('{"configs":[]}');
  });
  const { log } = fakeLog();
  const answers: Answer[] = [];
  let told: () => void = () => {};
  const answerer = new QueryAnswerer({
    admin,
    topics,
    send: async (answer) => {
      answers.push(answer);
      told();
    },
    clock: systemClock,
    log,
  });
  const cache = new ResourceCache(typeUrls.query);
  cache.subscribe((change) => answerer.received(cache, change));
  const ask = (...queries: MessageInitShape<typeof QuerySchema>[]) =>
    cache.apply(
      queries.map((query) => ({
        name: query.id ?? "",
        version: "1",
        bodyType: typeUrls.query,
        body: toBinary(QuerySchema, create(QuerySchema, query)),
      })),
      [],
    );
  const answered = async (number: number) => {
    while (answers.length < number) {
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    }
    return answers;
  };
  return { ask, answered, asked };
}

const dump = (id: string, path = "/config_dump?include_eds", method = "GET") => ({
  id,
  question: { case: "envoyAdmin" as const, value: { method, path } },
});

test("a question about Envoy is asked of its admin interface and answered whole", async (t) => {
  const { ask, answered, asked } = await setUp(t);
  ask(dump("q1"), dump("q2", "/logging?rbac=debug", "POST"));
  const answers = await answered(2);
  const first = answers.find(({ queryId }) => queryId === "q1");
  assert.ok(first !== undefined && "body" in first);
  assert.deepEqual(
    [first.status, first.contentType, fromUtf8(first.body)],
    [200, "application/json", '{"configs":[]}'],
  );
  assert.deepEqual(asked.sort(), ["GET /config_dump?include_eds", "POST /logging?rbac=debug"]);
});

test("a question that is delivered again is answered once", async (t) => {
  const { ask, answered } = await setUp(t);
  ask(dump("q1"));
  ask(dump("q1"));
  ask(dump("q2"));
  assert.deepEqual((await answered(2)).map(({ queryId }) => queryId).sort(), ["q1", "q2"]);
});

test("what is not on the list, too long or too late is answered with the reason", async (t) => {
  const { ask, answered } = await setUp(t);
  ask(
    dump("quit", "/quitquitquit", "POST"),
    dump("long", "/stats"),
    { ...dump("late", "/memory"), timeoutMs: 5 },
    { id: "topic", question: { case: "agent", value: { topic: "secrets" } } },
    { id: "empty" },
  );
  const errors = new Map((await answered(5)).map((answer) => [answer.queryId, "error" in answer ? answer.error : ""]));
  assert.match(errors.get("quit") ?? "", /not answered by agents/);
  assert.match(errors.get("long") ?? "", /longer than/);
  assert.match(errors.get("late") ?? "", /within 5 ms/);
  assert.match(errors.get("topic") ?? "", /does not know/);
  assert.match(errors.get("empty") ?? "", /does not know/);
});

test("questions about the agent are answered as JSON", async (t) => {
  const { ask, answered } = await setUp(t, new Map([["status", async () => ({ ready: true })]]));
  ask({ id: "s", question: { case: "agent", value: { topic: "status" } } });
  const [answer] = await answered(1);
  assert.ok(answer !== undefined && "body" in answer);
  assert.equal(fromUtf8(answer.body), '{"ready":true}');
});

test("more questions than can be worked on are refused at once", async (t) => {
  const gate = Promise.withResolvers<void>();
  const { ask, answered } = await setUp(t, new Map([["status", () => gate.promise]]));
  ask(
    ...Array.from({ length: concurrencyLimit + 1 }, (_, at) => ({
      id: `s${at}`,
      question: { case: "agent" as const, value: { topic: "status" } },
    })),
  );
  const [refused] = await answered(1);
  assert.equal(refused?.status, 429);
  gate.resolve();
  await answered(concurrencyLimit + 1);
});

test("only listed paths pass, however they are spelled (A2)", () => {
  for (const name of [
    "config_dump",
    "clusters",
    "listeners",
    "stats",
    "stats/prometheus",
    "certs",
    "server_info",
    "memory",
  ]) {
    assert.deepEqual(checkAdminQuestion("GET", `/${name}?x=y`), { method: "GET", path: `/${name}?x=y` });
  }
  const refused: [string, string][] = [
    ["POST", "/quitquitquit"],
    ["POST", "/drain_listeners?graceful"],
    ["POST", "/config_dump"],
    ["GET", "/logging"],
    ["GET", "/quitquitquit"],
    ["GET", "/"],
    ["GET", "/%63onfig_dump"],
    ["GET", "/config_dump/../quitquitquit"],
    ["GET", "config_dump"],
    ["GET", "http://169.254.169.254/config_dump"],
    ["GET", "/config_dump\r\nHost: x"],
    ["GET", "/config_dump#"],
    ["GET", `/config_dump?${"x".repeat(3000)}`],
    ["get", "/config_dump"],
  ];
  for (const [method, path] of refused) {
    assert.throws(
      () => checkAdminQuestion(method, path),
      (error) => error instanceof LateenError && error.code === "LAT4207",
      `${method} ${path}`,
    );
  }
  fc.assert(
    fc.property(fc.string(), fc.string(), (method, path) => {
      try {
        checkAdminQuestion(method, path);
      } catch (error) {
        assert.ok(error instanceof LateenError);
      }
    }),
  );
});
