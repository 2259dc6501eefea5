import assert from "node:assert/strict";
import { createServer as createHttp, type RequestListener, type Server } from "node:http";
import { createServer as createHttps, type ServerOptions } from "node:https";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { after, describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { LateenError } from "../../kernel/error.ts";
import { Secret } from "../../kernel/secret.ts";
import { ApiClient, type Endpoint } from "./api-client.ts";
import { fakeAuthority } from "./tls.fake.ts";

const servers: { close(): void; closeAllConnections?(): void }[] = [];
const clients: ApiClient[] = [];
after(async () => {
  for (const client of clients) await client.stop();
  for (const server of servers) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function listen<
  T extends { listen(port: number, host: string, done: () => void): unknown; address(): unknown; close(): void },
>(server: T): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function serveHttp(listener: RequestListener): Promise<number> {
  const server: Server = createHttp(listener);
  return listen(server);
}

function serveTls(options: ServerOptions, listener: RequestListener): Promise<number> {
  return listen(createHttps(options, listener));
}

const authority = await fakeAuthority();
const serverIdentity = await authority.server({ dnsNames: ["mesh.example.com"], ipAddresses: ["127.0.0.1"] });
const clientIdentity = await authority.client();

function connect(url: string, more: Partial<Endpoint> = {}, clock = new FakeClock(), warned: string[] = []): ApiClient {
  const client = new ApiClient(
    {
      server: new URL(url),
      authority: authority.root,
      tlsServerName: undefined,
      clientCertificate: undefined,
      clientKey: undefined,
      token: undefined,
      skipVerify: false,
      ...more,
    },
    { clock, timeoutMs: 5_000, userAgent: "lateen/test", onWarning: (text) => warned.push(text) },
  );
  clients.push(client);
  return client;
}

async function failure(work: Promise<unknown>): Promise<LateenError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof LateenError, String(error));
    return error;
  }
  assert.fail("it should have failed");
}

describe("ApiClient over TLS", () => {
  test("verifies the server, proves the client, keeps the connection", async () => {
    const sockets = new Set<unknown>();
    const port = await serveTls(
      { ...serverIdentity, ca: authority.root, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        sockets.add(request.socket);
        const subject = (request.socket as TLSSocket).getPeerCertificate().subject;
        response.end(JSON.stringify({ user: subject.CN, agent: request.headers["user-agent"] }));
      },
    );
    const client = connect(`https://127.0.0.1:${port}/base/`, {
      clientCertificate: clientIdentity.cert,
      clientKey: new Secret(clientIdentity.key),
    });
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(await client.json({ path: "/x" }), { user: "admin", agent: "lateen/test" });
    }
    assert.equal(sockets.size, 1);
  });

  test("an untrusted, expired or misnamed server is refused, in words", async () => {
    const ok: RequestListener = (_, response) => response.end("{}");
    const port = await serveTls(serverIdentity, ok);
    const other = await fakeAuthority();
    const cases: [Partial<Endpoint>, string, RegExp][] = [
      [{ authority: other.root }, `https://127.0.0.1:${port}`, /another authority than the one in the kubeconfig/],
      [{ tlsServerName: "wrong.example.com" }, `https://127.0.0.1:${port}`, /its certificate is for another name/],
      [{ authority: undefined }, `https://127.0.0.1:${port}`, /authority|signed/],
    ];
    for (const [more, url, message] of cases) {
      const error = await failure(connect(url, more).send({ path: "/" }));
      assert.equal(error.code, "LAT9005");
      assert.match(error.message, message);
    }
    const past = await fakeAuthority(Date.now() - 10 * 86_400_000);
    const expired = await past.server({ dnsNames: [], ipAddresses: ["127.0.0.1"] });
    const expiredPort = await serveTls(expired, ok);
    assert.match(
      (await failure(connect(`https://127.0.0.1:${expiredPort}`, { authority: past.root }).send({ path: "/" })))
        .message,
      /has expired/,
    );
    const skipped = await connect(`https://127.0.0.1:${expiredPort}`, { skipVerify: true }).send({ path: "/" });
    assert.equal(skipped.ok, true);
    assert.equal(
      (await connect(`https://127.0.0.1:${port}`, { tlsServerName: "mesh.example.com" }).send({ path: "/" })).ok,
      true,
    );
  });

  test("a server that wants another client certificate is told from one that is down", async () => {
    const other = await fakeAuthority();
    const port = await serveTls(
      { ...serverIdentity, ca: other.root, requestCert: true, rejectUnauthorized: true },
      (_, response) => response.end("{}"),
    );
    const error = await failure(
      connect(`https://127.0.0.1:${port}`, {
        clientCertificate: clientIdentity.cert,
        clientKey: new Secret(clientIdentity.key),
      }).send({ path: "/" }),
    );
    assert.match(error.code, /^LAT900[45]$/);
    assert.match(error.message, /^cannot reach https:\/\/127\.0\.0\.1:\d+: /);
  });

  test("plain HTTP behind an https address", async () => {
    const port = await serveHttp((_, response) => response.end("{}"));
    const error = await failure(connect(`https://127.0.0.1:${port}`).send({ path: "/" }));
    assert.equal(error.code, "LAT9004");
    assert.match(error.message, /does not speak HTTPS/);
  });
});

describe("ApiClient", () => {
  test("nobody listens", async () => {
    const probe = createTcp();
    const port = await listen(probe);
    probe.close();
    const error = await failure(connect(`https://127.0.0.1:${port}`).send({ path: "/" }));
    assert.equal(error.code, "LAT9004");
    assert.equal(error.message, `cannot reach https://127.0.0.1:${port}: connection refused`);
    assert.match(error.remedy, /Is lateen up running there\?/);
  });

  test("no answer within the deadline, before and in the middle of the answer", async () => {
    const clock = new FakeClock();
    const started = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const port = await serveHttp((request, response) => {
      if (request.url === "/half") response.write("{");
      started[request.url === "/half" ? 1 : 0]?.resolve();
    });
    for (const [index, path] of ["/none", "/half"].entries()) {
      const failed = failure(connect(`http://127.0.0.1:${port}`, {}, clock).send({ path }));
      await started[index]?.promise;
      await clock.advance(5_000);
      const error = await failed;
      assert.equal(error.code, "LAT9008");
      assert.match(error.message, /did not answer within 5 s/);
    }
    assert.equal(clock.pending, 0);
  });

  test("answers that are too large, cut, or not JSON", async () => {
    const port = await serveHttp((request, response) => {
      if (request.url === "/large") response.end("x".repeat(5_000));
      else if (request.url === "/cut") {
        response.writeHead(200, { "content-length": 100 });
        response.write("{");
        response.socket?.destroySoon();
      } else response.end("<html>");
    });
    const client = connect(`http://127.0.0.1:${port}`);
    assert.equal((await failure(client.send({ path: "/large", limitBytes: 4_000 }))).code, "LAT9007");
    assert.equal((await failure(client.send({ path: "/cut" }))).code, "LAT9004");
    assert.equal((await failure(client.json({ path: "/html" }))).code, "LAT9007");
  });

  test("a kept connection that the server closed is replaced for reads", async () => {
    let seen = 0;
    const port = await serveHttp((request, response) => {
      seen += 1;
      if (seen === 2) request.socket.destroy();
      else response.end("{}");
    });
    const client = connect(`http://127.0.0.1:${port}`);
    await client.json({ path: "/1" });
    await client.json({ path: "/2" });
    assert.equal(seen, 3);
    seen = 1;
    const error = await failure(
      client.json({ method: "POST", path: "/3", body: { type: "application/json", text: "{}" } }),
    );
    assert.equal(error.code, "LAT9004");
    assert.equal(seen, 2);
  });

  test("errors of the server keep its reason, and say what to do", async () => {
    const port = await serveHttp((request, response) => {
      response.statusCode = Number(request.url?.slice(1));
      const details = { causes: [{ reason: "LAT1203", message: "Apply the group first." }] };
      const statuses: Record<number, object> = {
        403: { kind: "Status", reason: "Forbidden", message: "not yours", code: 403 },
        404: { kind: "Status", reason: "NotFound", message: "no such group", code: 404, details },
      };
      const status = statuses[response.statusCode];
      response.end(status === undefined ? "upstream <b>gone</b>\nmore" : JSON.stringify(status));
    });
    const client = connect(`http://127.0.0.1:${port}`);
    const forbidden = await failure(client.json({ path: "/403" }));
    assert.equal(forbidden.message, "the control plane refused (Forbidden): not yours");
    assert.match(forbidden.remedy, /Ask an administrator/);
    assert.equal((await failure(client.json({ path: "/404" }))).remedy, "Apply the group first.");
    assert.equal(
      (await failure(client.json({ path: "/502" }))).message,
      "the control plane refused (HTTP 502): upstream <b>gone</b>",
    );
  });

  test("warnings are handed on, the token is sent, queries are encoded", async () => {
    const seen: unknown[] = [];
    const port = await serveHttp((request, response) => {
      seen.push(request.url, request.headers.authorization);
      response.setHeader("warning", ['299 - "one, \\"two\\""', '299 - "three"']);
      response.end("{}");
    });
    const warned: string[] = [];
    const client = connect(`http://127.0.0.1:${port}`, { token: new Secret("t0ken") }, new FakeClock(), warned);
    await client.send({ path: "/p", query: { a: "x&y=z", b: undefined } });
    assert.deepEqual(seen, ["/p?a=x%26y%3Dz", "Bearer t0ken"]);
    assert.deepEqual(warned, ['one, "two"', "three"]);
  });

  test("a stream gives whole lines, ends with its server, and stops at an abort", async () => {
    const port = await serveHttp((request, response) => {
      response.write('{"a":1}\n{"b"');
      response.write(":2}\n\n");
      if (request.url === "/ends") response.end();
    });
    const client = connect(`http://127.0.0.1:${port}`);
    const lines: string[] = [];
    await client.stream({ path: "/ends" }, (line) => lines.push(line), new AbortController().signal);
    assert.deepEqual(lines, ['{"a":1}', '{"b":2}']);
    const stop = new AbortController();
    await client.stream({ path: "/stays" }, (line) => line.includes("b") && stop.abort(), stop.signal);
    await client.stream({ path: "/stays" }, () => assert.fail("it was stopped before"), stop.signal);
  });
});
