import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema } from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { readDeltaRequest } from "./discovery-request.ts";
import { adsLimits } from "./limits.ts";
import { RecentRequests } from "./recent-requests.ts";
import { TextTable } from "./text-table.ts";

const texts = new TextTable();
const names = Array.from({ length: 50 }, (_, index) => `outbound|80||service-${index}.shop.svc.cluster.local`);

function setUp() {
  const recent = new RecentRequests();
  let reads = 0;
  const read = (parts: MessageInitShape<typeof DeltaDiscoveryRequestSchema>, nowMs = 0) =>
    recent.read(
      toBinary(
        DeltaDiscoveryRequestSchema,
        create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls.endpoint, resourceNamesSubscribe: names, ...parts }),
      ),
      nowMs,
      (bytes) => {
        reads += 1;
        return readDeltaRequest(bytes, adsLimits, texts);
      },
    );
  return { recent, read, reads: () => reads };
}

test("the same bytes are read once", () => {
  const { read, reads } = setUp();
  const first = read({});
  assert.deepEqual(first.subscribe, names);
  assert.equal(read({}), first);
  assert.equal(reads(), 1);
  assert.deepEqual(read({ resourceNamesSubscribe: names.toReversed() }).subscribe, names.toReversed());
  assert.equal(reads(), 2);
});

test("what says anything of its stream is read each time, and so is what is short", () => {
  for (const parts of [
    { node: { id: "a" } },
    { responseNonce: "n" },
    { errorDetail: { code: 13, message: "no" } },
    { initialResourceVersions: { a: "1" } },
    { resourceNamesUnsubscribe: ["a"] },
    { resourceNamesSubscribe: ["a"] },
  ]) {
    const { read, reads, recent } = setUp();
    assert.notEqual(read(parts), read(parts), JSON.stringify(parts));
    assert.equal(reads(), 2);
    assert.equal(recent.counts.kept, 0);
  }
});

test("few requests are kept, and none that nobody says any more", () => {
  const { recent, read, reads } = setUp();
  for (let index = 0; index < 100; index++) read({ resourceNamesSubscribe: [...names, `${index}`] });
  assert.equal(recent.counts.kept, recent.counts.limit);
  read({ resourceNamesSubscribe: [...names, "99"] }, 5_000);
  assert.equal(reads(), 100);
  recent.expire(5_001);
  assert.equal(recent.counts.kept, 1);
  recent.expire(60_000);
  assert.equal(recent.counts.kept, 0);
});
