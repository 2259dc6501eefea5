// X1: the node of a first discovery request, from its bytes to what Lateen makes of it.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { LateenError } from "../../src/kernel/error.ts";
import { assertSurvives, mutatedBytes } from "../../src/kernel/mutation.fake.ts";
import { decodeNode } from "../../src/serve/ads/discovery-request.ts";
import { adsLimits } from "../../src/serve/ads/limits.ts";
import { vmNode } from "../../src/xds/node.fake.ts";
import { NodeSchema, readNode } from "../../src/xds/node-info.ts";

const read = (bytes: Uint8Array) => readNode(decodeNode(bytes, adsLimits));
const seed = toBinary(NodeSchema, vmNode());

/** A length-delimited protobuf field below number 16. */
function field(number: number, value: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = value.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.of((number << 3) | 2, ...length), value]);
}

/** Node.metadata with structs in structs: Struct.fields[1], whose value (2) is a Value with a struct_value (5). */
function deepNode(depth: number): Uint8Array {
  let struct: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < depth; i++) {
    struct = field(1, Buffer.concat([field(1, Buffer.from("k")), field(2, field(5, struct))]));
  }
  return Buffer.concat([field(1, Buffer.from(vmNode().id)), field(3, struct)]);
}

const refuses = (bytes: Uint8Array | undefined, message: RegExp): void =>
  assert.throws(
    () => readNode(decodeNode(bytes, adsLimits)),
    (error) => error instanceof LateenError && error.code === "LAT2001" && message.test(error.message),
  );

suite("the node of a stream", () => {
  test("is read from bytes", () => assert.equal(read(seed).namespace, "shop"));

  test("may be missing or empty, and is refused then", () => {
    refuses(undefined, /no node id/);
    refuses(new Uint8Array(0), /no node id/);
  });

  test("is not decoded where it is beyond the limit", () => {
    const metadata = field(3, field(1, Buffer.concat([field(1, Buffer.from("k")), field(2, Buffer.alloc(4 << 20))])));
    refuses(Buffer.concat([seed, metadata]), /longer than \d+ bytes/);
  });

  test("may be nested a little", () => assert.equal(read(deepNode(15)).type, "sidecar"));

  for (const depth of [17, 40, 1_000, 10_000]) {
    test(`is refused with ${depth} structs in each other`, () => refuses(deepNode(depth), /nested|decoded|longer/));
  }

  test("survives damage of every kind", () => assertSurvives(mutatedBytes(seed, deepNode(10)), read));
});
