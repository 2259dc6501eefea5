import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CidrMap } from "./cidr-map.ts";
import { type Cidr, cidrContains, parseCidr } from "./ip-address.ts";

const block = fc
  .tuple(fc.constantFrom("10.0.0.1", "10.128.0.1", "0.0.0.0", "::", "2001:db8::1"), fc.nat(128))
  .map(([address, prefix]) => parseCidr(`${address}/${address.includes(":") ? prefix : prefix % 33}`) as Cidr);

test("finds the blocks that hold an address or a block", () => {
  fc.assert(
    fc.property(fc.array(block, { maxLength: 20 }), block, (blocks, inner) => {
      const map = new CidrMap<Cidr>();
      for (const each of blocks) map.add(each, each);
      const expected = blocks.filter((each) => each.prefix <= inner.prefix && cidrContains(each, inner.network));
      assert.deepEqual(new Set(map.holding(inner)), new Set(expected));
    }),
  );
});
