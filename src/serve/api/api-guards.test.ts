import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { storeErrors } from "../../store/errors.ts";
import { memoryStore } from "../../store/store.fake.ts";
import type { ApiIdentity } from "./api-identity.ts";
import { ApiRig } from "./api-rig.fake.ts";
import { warningHeaders } from "./http-exchange.ts";
import { bodyLimit, requestLimit, watchLimit } from "./limits.ts";
import { parseTarget } from "./request-path.ts";
import { StatusError } from "./status-error.ts";
import { formatAge, tableCell, valueAtPath } from "./table-cell.ts";

const services = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices";
const body = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "a" },
  spec: { hosts: ["a"], http: [{ route: [{ destination: { host: "a" } }] }] },
};

let rig: ApiRig;
before(async () => {
  rig = await ApiRig.start({ hostNames: ["cp.example"] });
});
after(() => rig.stop());

/** Sends bytes as they are and reads until the server closes. */
async function raw(text: string): Promise<string> {
  const socket: Socket = connect(rig.port, "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    received += chunk;
  });
  socket.end(text);
  await once(socket, "close");
  return received;
}

test("who proves nothing learns nothing but the version and that it lives", async () => {
  let identity: ApiIdentity | undefined;
  const own = await ApiRig.start({ identity: () => identity });
  for (const path of ["/version", "/healthz", "/livez", "/readyz"])
    assert.equal((await own.call("GET", path)).code, 200);
  assert.match((await own.call("GET", "/version")).json.gitVersion, /^v1\.\d+\.\d+\+lateen-/);
  for (const path of ["/api", "/apis", "/openapi/v3", services, "/lateen/v1/version", "/none", "/"]) {
    const answer = await own.call("GET", path);
    assert.equal(answer.code, 401);
    assert.deepEqual([answer.json.kind, answer.json.reason], ["Status", "Unauthorized"]);
  }
  identity = { name: "someone", groups: ["developers"] };
  assert.equal((await own.call("POST", services, { body })).code, 403);
  identity = { name: "root", groups: ["system:masters"] };
  assert.equal((await own.call("POST", services, { body })).code, 201);
  assert.deepEqual(
    own.logLines.filter((line) => line.msg === "API request").map((line) => [line["user"], line["code"]]),
    [
      ["someone", 403],
      ["root", 201],
    ],
  );
  await own.stop();
});

test("w2-rebinding, w2-cross-origin: pages of other origins are refused, addresses and own names are not", async () => {
  const allowed: Record<string, string>[] = [
    {},
    { host: "localhost:15013" },
    { host: "CP.example" },
    { host: "[::1]:15013" },
    { host: "10.0.0.7" },
    { host: "cp.example:1", origin: "https://cp.example:1", "sec-fetch-site": "same-origin" },
  ];
  for (const headers of allowed)
    assert.equal((await rig.call("GET", "/version", { headers })).code, 200, JSON.stringify(headers));
  const refused: Record<string, string>[] = [
    { host: "evil.example" },
    { host: "localhost.evil.example" },
    { host: "cp.example:1:2" },
    { host: "user@cp.example" },
    { host: "cp.example", origin: "null" },
    { host: "cp.example", origin: "https://evil.example" },
    { host: "cp.example", origin: "https://cp.example:8080" },
    { host: "cp.example", "sec-fetch-site": "cross-site" },
  ];
  for (const headers of refused) {
    const answer = await rig.call("GET", "/version", { headers });
    assert.equal(answer.code, 403, JSON.stringify(headers));
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  }
  assert.equal((await rig.call("OPTIONS", services, { headers: { origin: "https://evil.example" } })).code, 403);
});

test("w1-content-type: answers say what they are, and no browser runs them", async () => {
  for (const path of ["/version", "/healthz", services, "/%3Cscript%3E"]) {
    const { headers } = await rig.call("GET", path);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.match(String(headers["content-type"]), /^(application\/json|text\/plain)/);
    assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
  }
});

test("w4-paths: every odd spelling of a path is refused", async () => {
  const odd = ["..", ".", "%2e%2e", "a%2fb", "a%5cb", "a%00", "%0a", "%", "%zz", "%ff", "a//b", "", "%25"];
  for (const segment of odd) {
    const answer = await rig.call("GET", `${services}/${segment}/x`);
    assert.equal(answer.code, 400, segment);
  }
  assert.equal((await rig.call("GET", `/${"a/".repeat(2000)}`)).code, 400);
  const long = await raw(`GET /${"a".repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  assert.match(long, /^HTTP\/1\.1 (400|431)/);
});

test("w5-query: too many, too long, negative and huge parameters are refused", async () => {
  const odd = [
    `?${"a=1&".repeat(100)}`,
    `?labelSelector=${"a".repeat(9000)}`,
    "?limit=-1",
    "?limit=99999999999999999999",
    "?limit=1e3",
    "?resourceVersion=-1",
    "?resourceVersion=abc",
    "?timeoutSeconds=x&watch=true",
    "?watch=maybe",
    "?labelSelector=a=b=c",
    "?fieldSelector=spec.x=1",
    "?resourceVersionMatch=Exact",
    "?resourceVersionMatch=Nearly&resourceVersion=1",
    "?continue=%00",
  ];
  for (const query of odd) assert.equal((await rig.call("GET", services + query)).code, 400, query.slice(0, 50));
  assert.equal((await rig.call("GET", `${services}?limit=2147483648`)).code, 200);
});

test("w5-body: bodies that are too long, damaged, compressed or of another type are refused", async () => {
  const cases: [Record<string, string>, string, number][] = [
    [{}, "{".repeat(200), 400],
    [{}, "", 400],
    [{}, "null", 400],
    [{}, "[]", 400],
    [{}, `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`, 400],
    [{}, '{"kind":"VirtualService","__proto__":{}}', 400],
    [{ "content-type": "text/html" }, "<html>", 415],
    [{ "content-type": "application/vnd.kubernetes.protobuf" }, "k8s\0", 415],
    [{ "content-type": "application/vnd.kubernetes.protobuf" }, "k8s\0\x0a\x7f", 400],
    [{ "content-type": "application/vnd.kubernetes.protobuf" }, "other", 400],
    [{ "content-encoding": "gzip" }, "{}", 415],
    [{}, JSON.stringify({ ...body, metadata: { name: "a", annotations: { a: "x".repeat(bodyLimit) } } }), 413],
    [{}, JSON.stringify({ ...body, metadata: { name: "a", annotations: { a: "x".repeat(300 << 10) } } }), 422],
  ];
  for (const [headers, text, code] of cases) {
    const answer = await rig.call("POST", services, { text, headers });
    assert.equal(answer.code, code, `${text.slice(0, 40)} ${answer.text.slice(0, 200)}`);
  }
  const claimed = await raw(
    `POST ${services} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n{`,
  );
  assert.match(claimed, /^HTTP\/1\.1 413 [\s\S]*connection: close/i);
  const chunked = await raw(
    `POST ${services} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${`fffff\r\n${"x".repeat(0xfffff)}\r\n`.repeat(4)}`,
  );
  assert.match(chunked, /^HTTP\/1\.1 413/);
  const yaml =
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: from-yaml}\nspec: {hosts: [a], http: [{route: [{destination: {host: a}}]}]}\n";
  assert.equal(
    (await rig.call("POST", services, { text: yaml, headers: { "content-type": "application/yaml" } })).code,
    201,
  );
});

test("w5-slow-body: a body that does not come in time is given up", async () => {
  const clock = new FakeClock();
  const own = await ApiRig.start({ clock });
  const socket = connect(own.port, "127.0.0.1");
  const waits = new Promise<void>((resolve) => {
    const after = clock.after.bind(clock);
    clock.after = (delayMs, fn) => {
      resolve();
      return after(delayMs, fn);
    };
  });
  socket.write(
    `POST ${services} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{`,
  );
  await waits;
  await clock.advance(10_000);
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    received += chunk;
  });
  await once(socket, "end");
  assert.match(received, /^HTTP\/1\.1 504/);
  socket.destroy();
  await own.stop();
  assert.equal(clock.pending, 0);
});

test("watches and requests are bounded, with a clear answer at the limit", async () => {
  const own = await ApiRig.start();
  const list = await own.call("GET", services);
  const target = `${services}?watch=true&resourceVersion=${list.json.metadata.resourceVersion}`;
  const streams = [];
  for (let batch = 0; batch < watchLimit; batch += 50) {
    streams.push(...(await Promise.all(Array.from({ length: 50 }, () => own.watch(target)))));
  }
  const over = await own.call("GET", target);
  assert.equal(over.code, 429);
  assert.equal(over.headers["retry-after"], "1");
  assert.equal(over.json.reason, "TooManyRequests");
  const closed = streams.pop();
  closed?.close();
  await own.call("POST", services, { body });
  for (const stream of streams) assert.deepEqual(await stream.names(1), ["ADDED a"]);
  await own.stop();
  for (const stream of streams) assert.equal(await stream.next(), undefined);
  assert.ok(requestLimit < watchLimit);
});

test("a watch ends at the time its client names, and sends bookmarks while it is quiet", async () => {
  const clock = new FakeClock();
  const own = await ApiRig.start({ clock });
  const { resourceVersion } = (await own.call("GET", services)).json.metadata;
  const watch = await own.watch(
    `${services}?watch=true&resourceVersion=${resourceVersion}&allowWatchBookmarks=true&timeoutSeconds=90`,
  );
  await clock.advance(60_000);
  const bookmark = await watch.next();
  assert.equal(bookmark?.type, "BOOKMARK");
  assert.equal(bookmark?.object.metadata.resourceVersion, resourceVersion);
  await clock.advance(30_000);
  assert.equal(await watch.next(), undefined);
  await own.stop();
  assert.equal(clock.pending, 0);
});

test("s2-full: a store that refuses writes is a clear answer, and reads go on", async () => {
  const store = memoryStore();
  const own = await ApiRig.start({ store });
  await own.call("POST", services, { body });
  for (const [error, code] of [
    [storeErrors.full("disk"), 503],
    [storeErrors.ioFailed("disk"), 503],
    [storeErrors.busy("queue"), 429],
    [storeErrors.badRequest("large"), 413],
  ] as const) {
    store.txn = async () => {
      throw error;
    };
    const answer = await own.call("DELETE", `${services}/a`);
    assert.equal(answer.code, code);
    assert.match(answer.json.message, new RegExp(error.code));
  }
  assert.equal((await own.call("GET", `${services}/a`)).code, 200);
  store.txn = async () => {
    throw new TypeError("a secret detail");
  };
  const defect = await own.call("DELETE", `${services}/a`);
  assert.equal(defect.code, 500);
  assert.doesNotMatch(defect.text, /secret/);
  assert.ok(own.logLines.some((line) => line.level === "error" && String(line["error"]).includes("secret detail")));
  await own.stop();
});

test("warnings fit into headers whatever they say", () => {
  assert.deepEqual(warningHeaders(['a "b" \\ ü\n', "a", "a"]), ['299 - "a \\"b\\" \\\\ ??"', '299 - "a"']);
  const many = warningHeaders(Array.from({ length: 500 }, (_, index) => `${index} ${"x".repeat(1000)}`));
  assert.ok(many.join("").length < 6000);
});

test("any request target is taken apart or refused, never more", () => {
  const piece = fc.constantFrom("/", "..", "%2e", "%2f", "%00", "a", "é", "?", "&", "=", "%", "\\", "apis");
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ maxLength: 60 }),
        fc.array(piece, { maxLength: 30 }).map((parts) => `/${parts.join("")}`),
      ),
      (target) => {
        try {
          for (const segment of parseTarget(target).segments) assert.doesNotMatch(segment, /^\.{0,2}$|[/\\%\0]/);
        } catch (error) {
          assert.ok(error instanceof StatusError && error.status.code === 400);
        }
      },
    ),
    { numRuns: 5000 },
  );
});

test("ages and cells are as kubectl prints them", () => {
  const ages: [number, string][] = [
    [-5, "0s"],
    [0, "0s"],
    [119_000, "119s"],
    [120_000, "2m"],
    [125_000, "2m5s"],
    [600_000, "10m"],
    [3 * 3_600_000, "3h"],
    [3 * 3_600_000 + 65_000, "3h1m"],
    [9 * 3_600_000, "9h"],
    [50 * 3_600_000, "2d2h"],
    [9 * 86_400_000, "9d"],
    [800 * 86_400_000, "2y70d"],
    [3000 * 86_400_000, "8y"],
  ];
  for (const [ms, text] of ages) assert.equal(formatAge(ms), text);
  const object = { spec: { hosts: ["a"], port: 80, "x-y": true }, metadata: { name: "n" } };
  assert.equal(tableCell("string", valueAtPath(object, ".spec.hosts"), 0), '["a"]');
  assert.equal(tableCell("string", valueAtPath(object, ".spec.hosts[0]"), 0), "a");
  assert.equal(tableCell("integer", valueAtPath(object, ".spec.port"), 0), 80);
  assert.equal(tableCell("boolean", valueAtPath(object, ".spec['x-y']"), 0), true);
  assert.equal(tableCell("string", valueAtPath(object, ".spec.none.deeper"), 0), null);
  assert.equal(tableCell("date", valueAtPath(object, ".metadata.creationTimestamp"), 0), "<unknown>");
});
