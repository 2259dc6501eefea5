import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { contentHash } from "../../kernel/hash.ts";
import { FrameDecoder } from "../../xds/grpc-frame.ts";
import type { Resource } from "../../xds/resource.ts";
import { deltaResponse, type ResponseParts, resourceParts, sotwResponse } from "./response-parts.ts";
import { SharedSections } from "./shared-sections.ts";

const text = fc.string({ maxLength: 200, unit: "binary" });
const resource: fc.Arbitrary<Resource> = fc.record({
  typeUrl: text,
  name: text,
  version: text,
  body: fc.uint8Array({ maxLength: 300 }),
  sources: fc.constant([]),
});

function messageOf(response: ResponseParts): Uint8Array {
  const bytes = Buffer.concat(response.parts);
  assert.equal(bytes.length, response.length);
  const [message] = new FrameDecoder(1 << 20).push(bytes);
  assert.ok(message);
  return message;
}

test("a delta response made of pieces is what the generated code would read", () => {
  fc.assert(
    fc.property(
      fc.array(resource, { maxLength: 12 }),
      fc.array(text, { maxLength: 12 }),
      text,
      text,
      (resources, removed, typeUrl, nonce) => {
        const response = { typeUrl, nonce, systemVersion: "v", removed: removed.filter((name) => name !== "") };
        for (let again = 0; again < 2; again++) {
          const bytes = messageOf(deltaResponse(response, resourceParts(resources, "delta")));
          const read = fromBinary(DeltaDiscoveryResponseSchema, bytes);
          assert.equal(read.typeUrl, typeUrl);
          assert.equal(read.nonce, nonce);
          assert.equal(read.systemVersionInfo, "v");
          assert.deepEqual(read.removedResources, response.removed);
          assert.deepEqual(
            read.resources.map(({ name, version, resource: any }) => ({ name, version, ...any })),
            resources.map(({ name, version, typeUrl: url, body }) => ({
              name,
              version,
              $typeName: "google.protobuf.Any",
              typeUrl: url,
              value: body,
            })),
          );
        }
      },
    ),
  );
});

test("a state-of-the-world response made of pieces is what the generated code would read", () => {
  fc.assert(
    fc.property(fc.array(resource, { maxLength: 12 }), text, (resources, version) => {
      const bytes = messageOf(sotwResponse({ typeUrl: "t", nonce: "n", version }, resourceParts(resources, "sotw")));
      const read = fromBinary(DiscoveryResponseSchema, bytes);
      assert.equal(read.versionInfo, version);
      assert.deepEqual(
        read.resources.map((any) => Buffer.from(any.value).toString("hex")),
        resources.map(({ body }) => Buffer.from(body).toString("hex")),
      );
    }),
  );
});

test("a list that is asked for again is sent in the same few pieces, until nobody asks for a while", () => {
  const sections = new SharedSections();
  const resources = Array.from({ length: 500 }, (_, index) => versioned(`n${index}`));
  const first = sections.parts(resources, "delta", 0);
  const second = sections.parts([...resources], "delta", 10);
  const third = sections.parts(resources, "delta", 20);
  assert.equal(first.length, 1000);
  assert.ok(second.length < 100, `${second.length} pieces`);
  assert.ok(second.every((piece, index) => piece.length < 100 || piece === third[index]));
  assert.deepEqual(Buffer.concat(first), Buffer.concat(second));
  assert.equal(sections.parts(resources, "sotw", 30).length, 1000, "another variant");
  sections.expire(5_000);
  assert.equal(sections.size, 0);
  assert.equal(sections.counts.bytes, 0);
});

test("lists that differ at the beginning share the pieces of what they have in common", () => {
  const sections = new SharedSections();
  const common = Array.from({ length: 500 }, (_, index) => versioned(`n${index}`));
  sections.parts([versioned("a"), ...common], "delta", 0);
  sections.parts([versioned("b"), versioned("c"), ...common], "delta", 0);
  const third = sections.parts([versioned("d"), ...common], "delta", 0);
  assert.ok(third.length < 200, `${third.length} pieces`);
  assert.deepEqual(Buffer.concat(third), Buffer.concat(resourceParts([versioned("d"), ...common], "delta")));
});

test("a bounded number of sections is kept", () => {
  const sections = new SharedSections();
  for (let index = 0; index < 1000; index++) {
    const resources = Array.from({ length: 100 }, (_, number) => versioned(`${index} ${number}`));
    sections.parts(resources, "delta", 0);
  }
  assert.ok(sections.size <= sections.counts.limit);
});

function versioned(name: string): Resource {
  return { typeUrl: "t", name, version: contentHash(name), body: new TextEncoder().encode(name), sources: [] };
}
