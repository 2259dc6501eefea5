import assert from "node:assert/strict";
import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { LateenError } from "../../kernel/error.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { agentErrors } from "../errors.ts";
import { grpcStatus } from "../grpc/grpc-status.ts";
import type { CallHandler } from "../grpc/server-call.ts";
import { SocketClient } from "../grpc/socket-client.fake.ts";
import { GrpcServer } from "./grpc-server.ts";

const root = mkdtempSync(join(tmpdir(), "lateen-socket-"));
after(() => rmSync(root, { recursive: true }));
const self = process.getuid?.() ?? 0;
let count = 0;

const echo: CallHandler = (call) => ({
  message(bytes) {
    if (bytes.length === 3) throw agentErrors.badStreamMessage("three bytes are not welcome");
    if (bytes.length === 4) throw new TypeError("a secret of ours");
    call.send(bytes);
  },
  closed() {},
});

async function setUp(t: { after(fn: () => Promise<void>): void }, handlers = new Map([["/test.Echo/Echo", echo]])) {
  const { log, lines } = fakeLog();
  const server = new GrpcServer({ handlers, log });
  const path = join(root, `${count++}`, "socket");
  await server.listen(path, undefined, self);
  t.after(() => server.stop());
  return { server, path, lines };
}

test("messages come back; what a handler throws ends the call, and only errors of ours are told", async (t) => {
  const { path } = await setUp(t);
  const client = new SocketClient(path);
  t.after(() => client.close());
  const call = client.call("/test.Echo/Echo");
  for (const message of [new Uint8Array([1]), new Uint8Array(0), new Uint8Array(1 << 20)]) {
    call.send(message);
    assert.deepEqual(await call.next(), message);
  }
  call.send(new Uint8Array(3));
  assert.deepEqual(await call.ended, {
    status: grpcStatus.invalidArgument,
    message: "LAT4210 three bytes are not welcome",
  });
  const other = client.call("/test.Echo/Echo");
  other.send(new Uint8Array(4));
  assert.deepEqual(await other.ended, { status: grpcStatus.internal, message: "internal error" });
});

test("a call that its handler does not take is refused with the reason", async (t) => {
  const full: CallHandler = () => {
    throw agentErrors.tooManyCalls("too many streams");
  };
  const { path } = await setUp(t, new Map([["/test.Echo/Echo", full]]));
  const client = new SocketClient(path);
  t.after(() => client.close());
  const call = client.call("/test.Echo/Echo");
  assert.deepEqual(await call.ended, { status: grpcStatus.resourceExhausted, message: "LAT4208 too many streams" });
});

test("a message over the limit is refused at its prefix (X17)", async (t) => {
  const { path } = await setUp(t);
  const client = new SocketClient(path);
  t.after(() => client.close());
  const stream = client.session.request({ ":method": "POST", ":path": "/test.Echo/Echo" });
  const ended = new Promise<unknown>((resolve) => stream.on("trailers", (headers) => resolve(headers["grpc-message"])));
  stream.resume().write(new Uint8Array([0, 0xff, 0xff, 0xff, 0xff]));
  assert.match(String(await ended), /^LAT2003/);
});

test("garbage on the socket neither ends the server nor disturbs others", async (t) => {
  const { path } = await setUp(t);
  const client = new SocketClient(path);
  t.after(() => client.close());
  const call = client.call("/test.Echo/Echo");
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, preface) => {
      const socket: Socket = connect(path);
      socket.on("error", () => {});
      const closed = new Promise((resolve) => socket.on("close", resolve));
      if (preface) socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      socket.resume().end(bytes);
      await closed;
    }),
    { numRuns: 200 },
  );
  call.send(new Uint8Array([7]));
  assert.deepEqual(await call.next(), new Uint8Array([7]));
});

test("connections over the limit are refused, and the ones before stay", async (t) => {
  const { path, lines } = await setUp(t);
  const clients = Array.from({ length: 16 }, () => new SocketClient(path));
  t.after(async () => {
    for (const client of clients) await client.close();
  });
  for (const client of clients) await new Promise<void>((resolve) => client.session.ping(() => resolve()));
  const late = new SocketClient(path);
  await new Promise((resolve) => late.session.on("close", resolve));
  assert.match(lines.at(-1)?.msg ?? "", /refused a connection/);
  const call = clients[0]?.call("/test.Echo/Echo");
  call?.send(new Uint8Array([1]));
  assert.deepEqual(await call?.next(), new Uint8Array([1]));
});

test("a socket that was left behind is replaced; anything else in its place is refused or removed without being followed", async (t) => {
  const folder = join(root, `${count++}`);
  mkdirSync(folder, { mode: 0o755 });
  const path = join(folder, "socket");
  const stale = createServer();
  await new Promise<void>((resolve) => stale.listen(path, resolve));
  writeFileSync(join(root, "precious"), "x");
  const { log } = fakeLog();
  const server = new GrpcServer({ handlers: new Map(), log });
  await server.listen(path, undefined, self);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  await server.stop();
  await new Promise<void>((resolve) => stale.close(() => resolve()));
  symlinkSync(join(root, "precious"), path);
  const second = new GrpcServer({ handlers: new Map(), log });
  t.after(() => second.stop());
  await second.listen(path, undefined, self);
  assert.equal(statSync(join(root, "precious")).isFile(), true);
  const third = new GrpcServer({ handlers: new Map(), log });
  t.after(() => third.stop());
  const blocked = join(root, `${count++}`);
  mkdirSync(join(blocked, "socket"), { recursive: true });
  await assert.rejects(third.listen(join(blocked, "socket"), undefined, self), LateenError);
});

test("as root, folder and socket go to the proxy's user, and a third user's folder is refused", {
  skip: self !== 0,
}, async (t) => {
  const { log } = fakeLog();
  const server = new GrpcServer({ handlers: new Map(), log });
  t.after(() => server.stop());
  const folder = join(root, `${count++}`);
  const owner = { uid: 1337, gid: 1337 };
  await server.listen(join(folder, "socket"), owner, 0);
  for (const path of [folder, join(folder, "socket")]) assert.equal(statSync(path).uid, 1337);
  assert.equal(statSync(join(folder, "socket")).mode & 0o777, 0o600);
  const strange = join(root, `${count++}`);
  mkdirSync(strange);
  chownSync(strange, 4711, 4711);
  const other = new GrpcServer({ handlers: new Map(), log });
  t.after(() => other.stop());
  await assert.rejects(
    other.listen(join(strange, "socket"), owner, 0),
    (error) => error instanceof LateenError && error.code === "LAT4205",
  );
});
