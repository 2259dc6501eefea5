import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { LateenError } from "../../kernel/error.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { decodeNode, readDeltaRequest, readSotwRequest } from "./discovery-request.ts";
import { adsLimits } from "./limits.ts";
import { TextTable } from "./text-table.ts";

const texts = new TextTable();

const name = fc.string({ minLength: 1, maxLength: 30, unit: "binary" });
const names = fc.array(name, { maxLength: 8 });
const typeUrl = fc.constantFrom(...Object.values(typeUrls));
const error = fc.option(fc.record({ code: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), message: fc.string() }), {
  nil: undefined,
});
const node = fc.record({ id: fc.string(), cluster: fc.string() });

test("a delta request is read as the generated code reads it", () => {
  fc.assert(
    fc.property(
      fc.record({
        typeUrl,
        node,
        resourceNamesSubscribe: names,
        resourceNamesUnsubscribe: names,
        // The generated code's object loses this one key; ours is a Map.
        initialResourceVersions: fc.dictionary(
          name.filter((key) => key !== "__proto__"),
          fc.string(),
        ),
        responseNonce: fc.string(),
        errorDetail: error,
      }),
      (fields) => {
        const { errorDetail, ...rest } = fields;
        const message = create(
          DeltaDiscoveryRequestSchema,
          errorDetail === undefined ? rest : { ...rest, errorDetail },
        );
        const bytes = toBinary(DeltaDiscoveryRequestSchema, message);
        const expected = fromBinary(DeltaDiscoveryRequestSchema, bytes);
        const read = readDeltaRequest(bytes, adsLimits, texts);
        assert.equal(read.typeUrl, expected.typeUrl);
        assert.deepEqual(read.subscribe, expected.resourceNamesSubscribe);
        assert.deepEqual(read.unsubscribe, expected.resourceNamesUnsubscribe);
        assert.deepEqual(read.initialVersions, new Map(Object.entries(expected.initialResourceVersions)));
        assert.equal(read.nonce, expected.responseNonce);
        assert.equal(read.error?.code, expected.errorDetail?.code);
        assert.equal(read.rejection, expected.errorDetail?.message);
        assert.deepEqual(decodeNode(read.node, adsLimits), expected.node);
      },
    ),
  );
});

test("a state-of-the-world request is read as the generated code reads it", () => {
  fc.assert(
    fc.property(
      fc.record({ typeUrl, node, resourceNames: names, versionInfo: fc.string(), responseNonce: fc.string() }),
      (fields) => {
        const bytes = toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, fields));
        const read = readSotwRequest(bytes, adsLimits, texts);
        assert.deepEqual(read.names, fields.resourceNames);
        assert.equal(read.versionInfo, fields.versionInfo);
        assert.equal(read.nonce, fields.responseNonce);
        assert.equal(read.rejection, undefined);
      },
    ),
  );
});

test("ten thousand damaged requests are read or refused with a code, never otherwise", () => {
  const valid = toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, {
      typeUrl: typeUrls.cluster,
      node: { id: "sidecar~10.0.0.1~vm-1.shop~shop.svc.cluster.local", metadata: { NAMESPACE: "shop" } },
      resourceNamesSubscribe: ["a", "b"],
      initialResourceVersions: { c: "1" },
      responseNonce: "n",
      errorDetail: { code: 13, message: "why" },
    }),
  );
  let refused = 0;
  const damage = fc.array(fc.tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(damage, fc.nat({ max: valid.length }), (changes, cut) => {
      const bytes = valid.slice(0, cut % 3 === 0 ? cut : valid.length);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      for (const read of [readDeltaRequest, readSotwRequest]) {
        try {
          decodeNode(read(bytes, adsLimits, texts).node, adsLimits);
        } catch (error) {
          refused += 1;
          assert.ok(error instanceof LateenError, String(error));
          assert.match(error.code, /^LAT2(001|002|101)$/);
        }
      }
    }),
    { numRuns: 5_000 },
  );
  assert.ok(refused > 1_000, "the damage is real");
});

const tag = (field: number, wireType: number): number => field * 8 + wireType;

test("groups, overlong numbers and wrong wire types are refused, unknown fields are not", () => {
  const refused: Record<string, number[]> = {
    group: [tag(3, 3), tag(3, 4)],
    "field 0": [0x02, 0x00],
    "overlong length": [tag(2, 2), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    "length beyond the end": [tag(2, 2), 0x7f],
    "string as a number": [tag(2, 0), 0x01],
    "number without end": [tag(99, 0) & 0x7f, ...Array.from({ length: 11 }, () => 0xff)],
    "not UTF-8": [tag(2, 2), 0x01, 0xff],
  };
  for (const [what, bytes] of Object.entries(refused)) {
    assert.throws(() => readDeltaRequest(Uint8Array.from(bytes), adsLimits, texts), { code: "LAT2002" }, what);
  }
  const url = Buffer.from(typeUrls.cluster);
  const unknown = [
    tag(14, 0),
    0x05,
    tag(14, 1),
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    tag(14, 5),
    1,
    2,
    3,
    4,
    tag(14, 2),
    0x01,
    0xff,
  ];
  const read = readDeltaRequest(Uint8Array.from([...unknown, tag(2, 2), url.length, ...url]), adsLimits, texts);
  assert.equal(read.typeUrl, typeUrls.cluster);
});

test("a long rejection is kept in part", () => {
  const message = create(DeltaDiscoveryRequestSchema, {
    typeUrl: typeUrls.cluster,
    errorDetail: { code: 3, message: `begin ${"x".repeat(1_000_000)} end` },
  });
  const bytes = toBinary(DeltaDiscoveryRequestSchema, message);
  const { rejection = "" } = readDeltaRequest(bytes, adsLimits, texts);
  assert.equal(rejection.length, 8192);
  assert.match(rejection, /^begin x+ … x+ end$/);
});
