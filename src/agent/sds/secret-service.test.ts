import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { SecretSchema } from "../../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { fromUtf8 } from "../../kernel/bytes.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Secret } from "../../kernel/secret.ts";
import { grpcStatus } from "../grpc/grpc-status.ts";
import { type RecordedCall, SocketClient } from "../grpc/socket-client.fake.ts";
import type { MachineIdentity } from "../identity/machine-identity.ts";
import { GrpcServer } from "../socket/grpc-server.ts";
import { secretHandlers } from "./secret-service.ts";

const spiffeId = "spiffe://cluster.local/ns/shop/sa/reviews" as MachineIdentity["spiffeId"];
const service = "/envoy.service.secret.v3.SecretDiscoveryService";
const folder = mkdtempSync(join(tmpdir(), "lateen-sds-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

function identityOf(serial: number): MachineIdentity {
  return {
    spiffeId,
    chain: `chain ${serial}`,
    roots: "roots",
    privateKey: new Secret(`key ${serial}`),
    notBeforeMs: 0,
    notAfterMs: 1,
  };
}

class Source {
  identity: MachineIdentity | undefined;
  private readonly listeners = new Set<(identity: MachineIdentity) => void>();

  onChange(listener: (identity: MachineIdentity) => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  rotate(identity: MachineIdentity) {
    this.identity = identity;
    for (const listener of this.listeners) listener(identity);
  }

  get listening(): number {
    return this.listeners.size;
  }
}

async function setUp(t: { after(fn: () => Promise<void>): void }) {
  const source = new Source();
  const { log, lines } = fakeLog();
  const server = new GrpcServer({ handlers: secretHandlers(source, log), log });
  const path = join(folder, `${count++}`, "socket");
  await import("node:fs").then(({ mkdirSync }) => mkdirSync(join(path, "..", ".."), { recursive: true }));
  await server.listen(path, undefined, process.getuid?.() ?? 0);
  const client = new SocketClient(path);
  t.after(async () => {
    await client.close();
    await server.stop();
  });
  return { source, client, path, lines, server };
}

const ask = (call: RecordedCall, request: MessageInitShape<typeof DiscoveryRequestSchema>) =>
  call.send(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request)));
const askDelta = (call: RecordedCall, request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>) =>
  call.send(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request)));
const reply = async (call: RecordedCall) => fromBinary(DiscoveryResponseSchema, await call.next());
const replyDelta = async (call: RecordedCall) => fromBinary(DeltaDiscoveryResponseSchema, await call.next());

function inlineOf(value: Uint8Array): Record<string, string> {
  const { name, type } = fromBinary(SecretSchema, value);
  const text = (source: { specifier: { case: unknown; value?: unknown } } | undefined) =>
    fromUtf8(source?.specifier.value as Uint8Array);
  if (type.case === "tlsCertificate") {
    return { name, chain: text(type.value.certificateChain), key: text(type.value.privateKey) };
  }
  assert.equal(type.case, "validationContext");
  return { name, roots: text(type.case === "validationContext" ? type.value.trustedCa : undefined) };
}

test("certificate, key and roots are handed over by Istio's names, and again when they rotate", async (t) => {
  const { source, client } = await setUp(t);
  source.rotate(identityOf(1));
  const call = client.call(`${service}/StreamSecrets`);
  ask(call, { resourceNames: ["default"] });
  const first = await reply(call);
  assert.deepEqual(inlineOf(first.resources[0]?.value ?? new Uint8Array()), {
    name: "default",
    chain: "chain 1",
    key: "key 1",
  });
  ask(call, { resourceNames: ["default"], responseNonce: first.nonce, versionInfo: first.versionInfo });
  const roots = client.call(`${service}/StreamSecrets`);
  ask(roots, { resourceNames: ["ROOTCA"] });
  const context = inlineOf((await reply(roots)).resources[0]?.value ?? new Uint8Array());
  assert.deepEqual(context, { name: "ROOTCA", roots: "roots" });
  source.rotate(identityOf(2));
  const second = await reply(call);
  assert.equal(inlineOf(second.resources[0]?.value ?? new Uint8Array())["key"], "key 2");
  assert.notEqual(second.versionInfo, first.versionInfo);
  assert.equal(call.messages.length, 2);
  assert.equal(roots.messages.length, 1, "unchanged roots are not sent again");
});

test("the SPIFFE id is another name of the same certificate; other names get nothing (A8)", async (t) => {
  const { source, client } = await setUp(t);
  source.rotate(identityOf(1));
  const call = client.call(`${service}/DeltaSecrets`);
  const stranger = "spiffe://cluster.local/ns/shop/sa/other";
  askDelta(call, { resourceNamesSubscribe: [spiffeId, stranger] });
  const response = await replyDelta(call);
  assert.deepEqual(
    response.resources.map(({ name }) => name),
    [spiffeId],
  );
  assert.deepEqual(response.removedResources, [stranger]);
});

test("before there is an identity Envoy waits, and is served as soon as there is one", async (t) => {
  const { source, client } = await setUp(t);
  const call = client.call(`${service}/StreamSecrets`);
  const delta = client.call(`${service}/DeltaSecrets`);
  ask(call, { resourceNames: ["default", "ROOTCA"] });
  askDelta(delta, { resourceNamesSubscribe: ["ROOTCA"] });
  while (source.listening < 2) await new Promise((resolve) => setImmediate(resolve));
  await new Promise<void>((resolve) => client.session.ping(() => resolve()));
  source.rotate(identityOf(1));
  assert.equal((await reply(call)).resources.length, 2);
  assert.equal((await replyDelta(delta)).resources.length, 1);
});

test("a delta client that has the version gets nothing until it changes", async (t) => {
  const { source, client } = await setUp(t);
  source.rotate(identityOf(1));
  const first = client.call(`${service}/DeltaSecrets`);
  askDelta(first, { resourceNamesSubscribe: ["default"] });
  const version = (await replyDelta(first)).resources[0]?.version ?? "";
  const second = client.call(`${service}/DeltaSecrets`);
  askDelta(second, { resourceNamesSubscribe: ["default"], initialResourceVersions: { default: version } });
  await new Promise<void>((resolve) => client.session.ping(() => resolve()));
  assert.equal(second.messages.length, 0);
  source.rotate(identityOf(2));
  assert.notEqual((await replyDelta(second)).resources[0]?.version, version);
});

test("a rejected secret is logged without the secret", async (t) => {
  const { source, client, lines } = await setUp(t);
  source.rotate(identityOf(1));
  const call = client.call(`${service}/StreamSecrets`);
  ask(call, { resourceNames: ["default"] });
  const { nonce } = await reply(call);
  ask(call, { resourceNames: ["default"], responseNonce: nonce, errorDetail: { code: 13, message: "bad key" } });
  ask(call, { resourceNames: ["default", "ROOTCA"], responseNonce: nonce });
  await reply(call);
  const line = lines.find(({ level }) => level === "error");
  assert.equal(line?.["error"], "bad key");
  assert.doesNotMatch(JSON.stringify(lines), /key 1/);
});

test("a stream that ends is forgotten", async (t) => {
  const { source, client } = await setUp(t);
  const call = client.call(`${service}/StreamSecrets`);
  ask(call, { resourceNames: ["default"] });
  while (source.listening === 0) await new Promise((resolve) => setImmediate(resolve));
  call.cancel();
  while (source.listening > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("too many names, broken messages and unknown methods end the call with a status", async (t) => {
  const { client } = await setUp(t);
  const many = client.call(`${service}/StreamSecrets`);
  ask(many, { resourceNames: Array.from({ length: 65 }, (_, at) => `s${at}`) });
  assert.deepEqual(await many.ended, {
    status: grpcStatus.invalidArgument,
    message: "LAT4208 more than 64 secrets were asked for on one stream",
  });
  for (const method of ["StreamSecrets", "DeltaSecrets"]) {
    const broken = client.call(`${service}/${method}`);
    broken.send(new Uint8Array([0xff, 0xff, 0xff]));
    assert.equal((await broken.ended).status, grpcStatus.invalidArgument);
  }
  for (const path of [
    `${service}/FetchSecrets`,
    "/",
    "/envoy.service.secret.v3.SecretDiscoveryService//StreamSecrets",
  ]) {
    assert.equal((await client.call(path).ended).status, grpcStatus.unimplemented);
  }
});

test("socket and folder are for the owner alone", async (t) => {
  const { path } = await setUp(t);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
});
