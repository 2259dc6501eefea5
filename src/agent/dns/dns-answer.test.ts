import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatIp } from "../../kernel/ip-address.ts";
import { addressesIn, decodeAnswer, queryBytes } from "./dig.fake.ts";
import { buildMeshAnswer } from "./dns-answer.ts";
import { encodeName } from "./dns-name.ts";
import { readQuery } from "./dns-query.ts";

const name = fc
  .array(fc.stringMatching(/^[A-Za-z0-9_-]{1,30}$/), { minLength: 1, maxLength: 6 })
  .map((labels) => labels.join("."));
const addresses = fc.oneof(
  fc.array(fc.uint8Array({ minLength: 4, maxLength: 4 }), { maxLength: 200 }),
  fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }), { maxLength: 200 }),
);

test("answers hold the first addresses that fit, say whether that was all, and never exceed the limit", () => {
  fc.assert(
    fc.property(
      name,
      addresses,
      fc.option(name, { nil: undefined }),
      fc.option(fc.integer({ min: 512, max: 4096 }), { nil: undefined }),
      fc.integer({ min: 512, max: 1232 }),
      (asked, known, alias, udpSize, limit) => {
        const type = known[0]?.length === 16 ? "AAAA" : "A";
        const read = readQuery(queryBytes(asked, type, udpSize === undefined ? {} : { udpSize }));
        assert.ok(read.kind === "query");
        const canonical = alias === undefined ? undefined : encodeName(alias);
        const bytes = buildMeshAnswer(read.query, known, canonical, limit);
        assert.ok(bytes.length <= limit);
        const answer = decodeAnswer(bytes);
        const held = addressesIn(answer);
        assert.deepEqual(
          held,
          known.slice(0, held.length).map((address) => formatIp(address)),
        );
        assert.equal(answer.flag_tc, held.length < known.length);
        assert.equal(answer.additionals?.length, udpSize === undefined ? 0 : 1);
        for (const record of answer.answers ?? []) {
          assert.equal(record.name, canonical === undefined || record.type === "CNAME" ? asked : alias);
        }
      },
    ),
  );
});
