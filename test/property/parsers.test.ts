// Every reader of what comes from outside, with 10,000 damaged inputs each. Those of identity have theirs beside them.
import { randomBytes } from "node:crypto";
import { suite, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { encode } from "dns-packet";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { queryBytes } from "../../src/agent/dns/dig.fake.ts";
import { readQuery } from "../../src/agent/dns/dns-query.ts";
import { readReply } from "../../src/agent/dns/dns-reply.ts";
import { readKubeconfig } from "../../src/cli/api/kubeconfig.ts";
import { decodeAndValidate } from "../../src/config/decode/decode-and-validate.ts";
import { virtualServiceKind } from "../../src/config/virtual-service/virtual-service.ts";
import { assertSurvives, mutatedBytes, mutatedText } from "../../src/kernel/mutation.fake.ts";
import { decodeNode, readDeltaRequest, readSotwRequest } from "../../src/serve/ads/discovery-request.ts";
import { adsLimits } from "../../src/serve/ads/limits.ts";
import { TextTable } from "../../src/serve/ads/text-table.ts";
import { bodyObject } from "../../src/serve/api/body-value.ts";
import { kubernetesProtobuf } from "../../src/serve/api/kubernetes-protobuf.ts";
import { parsePatch } from "../../src/serve/api/patch-object.ts";
import { parseTarget } from "../../src/serve/api/request-path.ts";
import { encodeFrame, FrameDecoder } from "../../src/xds/grpc-frame.ts";
import { vmNode } from "../../src/xds/node.fake.ts";
import { typeUrls } from "../../src/xds/type-url.ts";

const texts = new TextTable();

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const metadata = { name: "reviews", namespace: "shop", labels: { app: "reviews" } };
const reviews = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata,
  spec: {
    hosts: ["reviews"],
    http: [
      { match: [{ uri: { prefix: "/api" } }], route: [{ destination: { host: "reviews", subset: "v1" }, weight: 1 }] },
    ],
  },
};
const yaml = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews, "*.example.com"]
  http:
  - name: &name "v1"
    timeout: 5s
    retries: { attempts: 3, perTryTimeout: 250ms }
    route:
    - destination: { host: reviews, subset: v1, port: { number: 80 } }
      weight: 0x5A
    - destination:
        host: >-
          reviews
      weight: 10
---
{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
`;

suite("readers of what comes from outside survive 10,000 damaged inputs", () => {
  test("YAML", () =>
    assertSurvives(
      mutatedText(yaml),
      (text) => decodeAndValidate(text),
      ({ problems }) => problems.some(({ severity }) => severity === "error"),
    ));

  test("REST bodies in JSON", () =>
    assertSurvives(mutatedBytes(utf8(JSON.stringify(reviews))), (bytes) => bodyObject(bytes, "application/json")));

  test("REST bodies in Kubernetes' protobuf", () => {
    // runtime.Unknown {typeMeta(1): {apiVersion(1), kind(2)}, raw(2): {metadata(1): {name(1), labels(11)}}}
    const labels = [0x5a, 0x08, 0x0a, 0x02, 0x65, 0x6e, 0x12, 0x02, 0x65, 0x75];
    const objectMeta = [0x0a, 0x04, ...utf8("shop"), ...labels];
    const raw = [0x0a, objectMeta.length, ...objectMeta];
    const typeMeta = [0x0a, 0x02, ...utf8("v1"), 0x12, 0x09, ...utf8("Namespace")];
    const seed = Uint8Array.from([...utf8("k8s\0"), 0x0a, typeMeta.length, ...typeMeta, 0x12, raw.length, ...raw]);
    assertSurvives(mutatedBytes(seed), (bytes) => bodyObject(bytes, kubernetesProtobuf));
  });

  const patches: [string, unknown][] = [
    ["application/merge-patch+json", { metadata: { labels: { app: null } }, spec: { hosts: ["ratings"] } }],
    [
      "application/json-patch+json",
      [
        { op: "test", path: "/metadata/name", value: "reviews" },
        { op: "add", path: "/metadata/labels/a~1b", value: "c" },
        { op: "move", from: "/spec/http/0/match", path: "/spec/http/0/old" },
        { op: "replace", path: "/spec/hosts/0", value: "ratings" },
      ],
    ],
    ["application/apply-patch+yaml", { ...reviews, spec: { hosts: ["ratings"] } }],
  ];
  for (const [type, patch] of patches) {
    test(`REST patches as ${type}`, () => {
      const options = { dryRun: false, fieldManager: "me", fieldValidation: "Strict", force: true } as const;
      const author = { manager: "me", apiVersion: "networking.istio.io/v1", time: "2026-01-01T00:00:00Z" };
      assertSurvives(mutatedBytes(utf8(JSON.stringify(patch))), (bytes) =>
        parsePatch(bytes, type, { kind: virtualServiceKind, name: "reviews" }, options).compute(
          structuredClone(reviews),
          [],
          author,
        ),
      );
    });
  }

  test("request targets", () =>
    assertSurvives(
      mutatedText(
        "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/reviews?labelSelector=a%3Db&watch=true",
        "/api/v1/namespaces?limit=500&continue=abc",
      ),
      parseTarget,
    ));

  const envelope = {
    typeUrl: typeUrls.cluster,
    node: vmNode(),
    responseNonce: "n-1",
    errorDetail: { code: 13, message: "no such cluster" },
  };

  test("delta discovery requests", () => {
    const seed = toBinary(
      DeltaDiscoveryRequestSchema,
      create(DeltaDiscoveryRequestSchema, {
        ...envelope,
        resourceNamesSubscribe: ["a", "b"],
        resourceNamesUnsubscribe: ["c"],
        initialResourceVersions: { d: "1", e: "2" },
      }),
    );
    assertSurvives(mutatedBytes(seed), (bytes) =>
      decodeNode(readDeltaRequest(bytes, adsLimits, texts).node, adsLimits),
    );
  });

  test("discovery requests", () => {
    const seed = toBinary(
      DiscoveryRequestSchema,
      create(DiscoveryRequestSchema, { ...envelope, versionInfo: "7", resourceNames: ["a", "b"] }),
    );
    assertSurvives(mutatedBytes(seed), (bytes) => decodeNode(readSotwRequest(bytes, adsLimits, texts).node, adsLimits));
  });

  test("gRPC frames, cut anywhere", () => {
    const seed = Buffer.concat([encodeFrame(utf8("one")), encodeFrame(new Uint8Array(0)), encodeFrame(utf8("three"))]);
    assertSurvives(
      mutatedBytes(seed),
      (bytes) => {
        const decoder = new FrameDecoder(1 << 20);
        for (let at = 0; at < bytes.length; at += 7) decoder.push(bytes.subarray(at, at + 7));
        return decoder.idle;
      },
      (idle) => !idle,
    );
  });

  test("DNS queries", () =>
    assertSurvives(
      mutatedBytes(
        queryBytes("reviews.shop.svc.cluster.local", "A"),
        queryBytes("ratings", "AAAA", { udpSize: 1232 }),
        queryBytes(".", "NS"),
      ),
      readQuery,
      ({ kind }) => kind !== "query",
    ));

  test("DNS replies", () => {
    const name = "edge.example.net";
    const reply = encode({
      type: "response",
      id: 4711,
      questions: [{ type: "A", name }],
      answers: [
        { type: "CNAME", name, ttl: 60, data: "a.example.net" },
        { type: "A", name: "a.example.net", ttl: 60, data: "192.0.2.1" },
      ],
    });
    assertSurvives(
      mutatedBytes(reply),
      (bytes) => readReply(bytes, { id: 4711, name, type: 1 }),
      ({ kind }) => kind !== "answer",
    );
  });

  test("kubeconfigs", () => {
    const kubeconfig = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "lateen",
      clusters: [
        { name: "lateen", cluster: { server: "https://cp.example:15013", "certificate-authority-data": "QUJD" } },
      ],
      users: [{ name: "admin", user: { token: randomBytes(8).toString("hex") } }],
      contexts: [{ name: "lateen", context: { cluster: "lateen", user: "admin", namespace: "shop" } }],
    };
    assertSurvives(mutatedText(JSON.stringify(kubeconfig)), (text) => readKubeconfig([{ path: "config", text }]));
  });
});
