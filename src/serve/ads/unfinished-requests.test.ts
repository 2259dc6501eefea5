import assert from "node:assert/strict";
import { test } from "node:test";
import { typeUrls } from "../../xds/type-url.ts";
import { startAdsRig } from "./ads-rig.fake.ts";
import { UnfinishedRequests } from "./unfinished-requests.ts";

test("over the limit the requests that began first fail, and no more of them than must", () => {
  let hits = 0;
  const failed: string[] = [];
  const unfinished = new UnfinishedRequests(100, () => hits++);
  const sender = (name: string) => ({ fail: () => void failed.push(name) });
  const [a, b, c, d] = [sender("a"), sender("b"), sender("c"), sender("d")];
  unfinished.note(a, 40);
  unfinished.note(b, 40);
  unfinished.note(a, 20);
  unfinished.note(c, 40);
  assert.deepEqual([failed, unfinished.heldBytes], [[], 100]);
  unfinished.note(b, 0);
  unfinished.note(d, 60);
  assert.deepEqual([failed, unfinished.heldBytes, hits], [["a"], 100, 1]);
  unfinished.note(d, 200);
  assert.deepEqual([failed, unfinished.heldBytes, hits], [["a", "c", "d"], 0, 3]);
});

test("streams that begin requests and never finish them lose to one that does", async (t) => {
  const rig = await startAdsRig({ limits: { unfinishedBytes: 64 << 10 } });
  t.after(() => rig.stop());
  const slow = Array.from({ length: 8 }, () => rig.client());
  for (const { stream } of slow) stream.write(Buffer.concat([Buffer.from([0, 0, 1, 0, 0]), Buffer.alloc(30_000)]));
  const ends = slow.slice(0, 6).map((client) => client.ended);
  for (const end of await Promise.all(ends)) {
    assert.equal(end.code, 8);
    assert.match(end.message, /^LAT2101 /);
  }
  const honest = rig.client();
  honest.subscribe(typeUrls.cluster);
  await honest.nextAcked();
  assert.match(await rig.metrics.text(), /lateen_xds_limit_hits_total\{limit="request_bytes"\} [67]/);
});
