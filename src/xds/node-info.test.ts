// What a proxy says of itself: Istio's spelling, and everything that is no account at all (X1).
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { create, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import fc from "fast-check";
import { LateenError } from "../kernel/error.ts";
import { isIpAddress } from "../kernel/ip-address.ts";
import { vmMetadata, vmNode } from "./node.fake.ts";
import { NodeSchema, readNode } from "./node-info.ts";

const withMetadata = (metadata: JsonObject) => readNode(vmNode({ metadata: { ...vmMetadata, ...metadata } }));
const withId = (id: string) => readNode(vmNode({ id, metadata: {} }));

function refuses(read: () => unknown, message: RegExp): void {
  assert.throws(read, (error) => {
    assert.ok(error instanceof LateenError, String(error));
    assert.equal(error.code, "LAT2001");
    assert.match(error.message, message);
    // A message goes into a log line and onto the wire.
    assert.ok(error.message.length < 1000 && !/\p{Cc}/u.test(error.message), error.message);
    return true;
  });
}

function nested(depth: number): JsonObject {
  let value: JsonObject = {};
  for (let i = 0; i < depth; i++) value = { deeper: value };
  return value;
}

suite("readNode", () => {
  test("reads a VM's node as Istio's agent sends it", () => {
    const { metadata, capabilities, ...info } = readNode(vmNode());
    assert.equal(metadata["APP_CONTAINERS"], "reviews");
    assert.deepEqual([...capabilities], ["lateen.agent.v1"]);
    assert.deepEqual(info, {
      id: "sidecar~10.0.0.1~vm-1.shop~shop.svc.cluster.local",
      cluster: "reviews.shop",
      type: "sidecar",
      ips: ["10.0.0.1", "fd00::1"],
      name: "vm-1.shop",
      dnsDomain: "shop.svc.cluster.local",
      namespace: "shop",
      serviceAccount: "reviews",
      labels: { app: "reviews", version: "v1", "topology.istio.io/network": "dc-1" },
      locality: { region: "eu", zone: "eu-1", subZone: "r7" },
      network: "dc-1",
      clusterId: "Kubernetes",
      istioVersion: "1.32.0",
      agentVersion: undefined,
      envoyVersion: "1.40.2",
      generator: undefined,
      autoRegisterGroup: "reviews",
      dnsCapture: true,
    });
  });

  test("makes do with an id alone", () => {
    const info = readNode(create(NodeSchema, { id: vmNode().id }));
    assert.deepEqual([info.namespace, info.ips, info.labels], ["shop", ["10.0.0.1"], {}]);
    assert.deepEqual([info.serviceAccount, info.locality, info.envoyVersion], [undefined, undefined, undefined]);
    assert.deepEqual([info.network, info.clusterId, info.dnsCapture, info.capabilities.size], ["", "", false, 0]);
  });

  for (const type of ["sidecar", "router", "waypoint", "ztunnel"]) {
    test(`serves ${type}`, () => assert.equal(withId(`${type}~10.0.0.1~a.b~b.svc.cluster.local`).type, type));
  }

  test("takes the namespace of the metadata before that of the domain", () => {
    assert.equal(withMetadata({ NAMESPACE: "web" }).namespace, "web");
    assert.equal(withMetadata({ NAMESPACE: "" }).namespace, "shop");
    assert.equal(withMetadata({ NAMESPACE: 7 }).namespace, "shop");
  });

  test("takes the addresses of the metadata where all are addresses, else that of the id", () => {
    assert.deepEqual(withMetadata({ INSTANCE_IPS: " 10.0.0.7 , FD00:0::7 " }).ips, ["10.0.0.7", "fd00::7"]);
    for (const ips of ["10.0.0.7,evil.example", "10.0.0.7,", ",", "10.0.0.7;10.0.0.8", "10.0.0.0/8", "fe80::1%eth0"]) {
      assert.deepEqual(withMetadata({ INSTANCE_IPS: ips }).ips, ["10.0.0.1"], ips);
    }
  });

  test("takes booleans as Istio spells them", () => {
    for (const [value, expected] of [
      ["true", true],
      ["false", false],
      ["TRUE", false],
      [true, false],
    ] as const) {
      assert.equal(withMetadata({ DNS_CAPTURE: value }).dnsCapture, expected);
    }
  });

  test("takes labels that are text, and no others", () => {
    const odd: JsonObject = { ok: "yes", "": "empty", n: 1, list: ["a"], map: { a: "b" }, none: null };
    assert.deepEqual(withMetadata({ LABELS: odd }).labels, { ok: "yes", "": "empty" });
    for (const labels of ["text", 7, null, ["a"], true] as JsonValue[]) {
      assert.deepEqual(withMetadata({ LABELS: labels }).labels, {});
    }
  });

  test("takes labels with the names of an object's own parts as labels", () => {
    const hostile = JSON.parse('{"__proto__":"p","constructor":"c","toString":"t"}') as JsonObject;
    const { labels } = withMetadata({ LABELS: hostile });
    assert.deepEqual(Object.entries(labels), [
      ["__proto__", "p"],
      ["constructor", "c"],
      ["toString", "t"],
    ]);
    assert.equal(Object.getPrototypeOf(labels), Object.prototype);
    assert.equal(({} as Record<string, unknown>)["p"], undefined);
  });

  test("takes what is not its own for absent", () => {
    const { labels, serviceAccount } = readNode(vmNode({ metadata: {} }));
    assert.deepEqual([labels, serviceAccount], [{}, undefined]);
  });

  test("takes the first 64 capabilities that are text", () => {
    const capabilities = (list: JsonValue) => [...withMetadata({ LATEEN: { capabilities: list } }).capabilities];
    assert.deepEqual(capabilities(["a", 1, null, ["b"], "a", "c"]), ["a", "c"]);
    assert.equal(capabilities(Array.from({ length: 1000 }, (_, i) => `c${i}`)).length, 64);
    assert.deepEqual(capabilities("a"), []);
    for (const value of ["x", null, 7, ["capabilities"]] as JsonValue[]) {
      assert.equal(withMetadata({ LATEEN: value }).capabilities.size, 0);
    }
  });
});

test("a Lateen agent says its release", () => {
  const version = (value: JsonValue) => withMetadata({ LATEEN: { version: value } }).agentVersion;
  assert.equal(version("0.2.0"), "0.2.0");
  assert.equal(version("x".repeat(100))?.length, 64);
  for (const value of ["", 7, null, ["1"]] as JsonValue[]) assert.equal(version(value), undefined);
  assert.equal(readNode(vmNode({ metadata: {} })).agentVersion, undefined);
});

suite("X1: readNode refuses", () => {
  test("no node", () => refuses(() => readNode(undefined), /no node id/));
  test("an empty id", () => refuses(() => readNode(vmNode({ id: "" })), /no node id/));
  test("an id beyond the limit", () => {
    const prefix = "sidecar~10.0.0.1~";
    const id = (length: number) => `${prefix}${"a".repeat(length - prefix.length - 2)}~b`;
    assert.equal(withId(id(2048)).id.length, 2048);
    refuses(() => withId(id(2049)), /longer than 2048/);
    refuses(() => withId("~".repeat(4 << 20)), /longer than 2048/);
  });

  for (const id of ["x", "~~~", "sidecar~10.0.0.1~a.b", "sidecar~10.0.0.1~a.b~", "sidecar~10.0.0.1~a~b~c"]) {
    test(`an id of other parts: ${id}`, () => refuses(() => withId(id), /four parts/));
  }
  for (const type of ["", "Sidecar", "ingress", "sidecar ", "__proto__", "constructor", "\u0000"]) {
    test(`the type ${JSON.stringify(type)}`, () => refuses(() => withId(`${type}~10.0.0.1~a.b~b.svc`), /not served/));
  }
  for (const ip of ["", "localhost", "10.0.0", "10.0.0.256", "10.0.0.1:80", "1e1.0.0.1", "fe80::1%1", "[::1]", "\n"]) {
    test(`${JSON.stringify(ip)} for an address`, () =>
      refuses(() => withId(`sidecar~${ip}~a.b~b.svc`), /no IP address/));
  }

  test("control characters in an id, without repeating them in the message", () => {
    refuses(() => withId("side\u001b[2Jcar~10.0.0.1~a~b"), /not served/);
    refuses(() => withId("\r\nevil: 1"), /four parts/);
  });

  test("metadata that is nested too deep", () => {
    assert.ok(withMetadata(nested(15)));
    refuses(() => withMetadata(nested(16)), /nested deeper than 16/);
    refuses(() => withMetadata(nested(10_000)), /nested deeper than 16/);
    refuses(() => withMetadata({ LIST: [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]] }), /nested deeper than 16/);
  });

  test("more labels than a workload has", () => {
    const labels = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, "v"]));
    assert.equal(Object.keys(withMetadata({ LABELS: labels(256) }).labels).length, 256);
    refuses(() => withMetadata({ LABELS: labels(257) }), /more than 256 LABELS/);
    refuses(() => withMetadata({ LABELS: labels(100_000) }), /more than 256 LABELS/);
  });
});

suite("X1: 10,000 nodes nobody meant", () => {
  /** Longest time one node may take, milliseconds: a hang, not a measurement. */
  const watchdogMs = 1000;
  const odd = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom("", "~", "sidecar", "10.0.0.1", "::1", "true", "__proto__", "a".repeat(3000)),
  );
  const ids = fc.oneof(
    { weight: 3, arbitrary: fc.constant(vmNode().id) },
    fc.array(odd, { maxLength: 6 }).map((parts) => parts.join("~")),
    fc
      .tuple(fc.constantFrom("sidecar", "router", "x"), odd, odd, odd)
      .map(([type, ip, name, domain]) => [type, ip, name, domain].join("~")),
  );
  const json = fc.jsonValue({ maxDepth: 20 }) as fc.Arbitrary<JsonValue>;
  const keys = fc.oneof(fc.constantFrom(...Object.keys(vmMetadata)), odd);
  const metadata = fc
    .array(fc.tuple(keys, fc.oneof(json, odd, fc.nat(40).map(nested))), { maxLength: 5 })
    .map((changes) => ({ ...vmMetadata, ...Object.fromEntries(changes) }) as JsonObject);

  test("each is read with what is promised, or refused with a declared error", () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(ids, metadata, (id, changed) => {
        const start = performance.now();
        try {
          const info = readNode(vmNode({ id, metadata: changed }));
          assert.ok(info.id.length <= 2048);
          assert.ok(["sidecar", "router", "waypoint", "ztunnel"].includes(info.type));
          assert.ok(info.ips.some(isIpAddress));
          assert.ok(info.capabilities.size <= 64);
          assert.equal(typeof info.namespace, "string");
          const labels = Object.values(info.labels);
          assert.ok(labels.length <= 256 && labels.every((value) => typeof value === "string"));
          accepted += 1;
        } catch (error) {
          assert.ok(error instanceof LateenError, String(error));
          assert.equal(error.code, "LAT2001");
          refused += 1;
        }
        assert.ok(performance.now() - start < watchdogMs, "took longer than a second");
      }),
      { numRuns: 10_000 },
    );
    assert.ok(accepted > 1000 && refused > 1000, `${accepted} accepted and ${refused} refused prove little`);
  });
});
