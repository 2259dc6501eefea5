import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { ResourceSet } from "../../xds/generator.ts";
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

test("a list that is asked for again becomes one piece, until nobody asks for a while", () => {
  const sections = new SharedSections();
  const set = {} as ResourceSet;
  const resources = Array.from({ length: 10 }, (_, index) => ({
    typeUrl: "t",
    name: `n${index}`,
    version: "1",
    body: new Uint8Array([index]),
    sources: [],
  }));
  const first = sections.parts(set, resources, "delta", 0);
  const second = sections.parts(set, [...resources], "delta", 10);
  const third = sections.parts(set, resources, "delta", 20);
  assert.equal(first.length, 20);
  assert.equal(second.length, 1);
  assert.equal(second[0], third[0]);
  assert.deepEqual(Buffer.concat(first), Buffer.concat(second));
  assert.equal(sections.parts(set, resources.slice(1), "delta", 30).length, 18, "another list");
  assert.equal(sections.parts(set, resources, "sotw", 30).length, 20, "another variant");
  sections.expire(5_000);
  assert.equal(sections.size, 0);
  for (let index = 0; index < 100; index++) sections.parts({} as ResourceSet, resources, "delta", 0);
  assert.ok(sections.size <= 32);
});
