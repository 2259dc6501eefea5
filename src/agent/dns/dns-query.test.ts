import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeAnswer, queryBytes } from "./dig.fake.ts";
import { buildEmptyAnswer } from "./dns-answer.ts";
import { readQuery } from "./dns-query.ts";

/** What a client that sent these bytes is told; undefined for silence. */
function told(bytes: Uint8Array): string | undefined {
  const read = readQuery(bytes);
  if (read.kind === "query") return `query ${read.query.type} ${read.query.name}`;
  if (read.kind === "ignored") return undefined;
  const answer = decodeAnswer(buildEmptyAnswer(read.echo, read.rcode));
  assert.equal(answer.type, "response");
  return answer.rcode;
}

function changed(bytes: Buffer, at: number, ...values: number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(values, at);
  return copy;
}

const plain = queryBytes("Reviews.Shop", "AAAA");
const edns = queryBytes("reviews.shop", "A", { udpSize: 4096 });

test("a query is read, its name in lower case and its question as it came", () => {
  const read = readQuery(edns);
  assert.ok(read.kind === "query");
  assert.equal(read.query.edns?.udpSize, 4096);
  assert.equal(told(plain), "query 28 reviews.shop");
  const echoed = readQuery(plain);
  assert.ok(echoed.kind === "query" && Buffer.from(echoed.query.question).includes("Reviews"));
});

test("D2: what is no query gets no answer, so that two servers cannot shout at each other", () => {
  assert.equal(told(new Uint8Array()), undefined);
  assert.equal(told(plain.subarray(0, 11)), undefined);
  assert.equal(told(changed(plain, 2, 0x81, 0x80)), undefined);
});

test("D2: malformed queries are FORMERR", () => {
  assert.equal(told(plain.subarray(0, 12)), "FORMERR", "the question is missing");
  assert.equal(told(plain.subarray(0, plain.length - 1)), "FORMERR", "the question is cut off");
  assert.equal(told(Buffer.concat([plain, Buffer.alloc(1)])), "FORMERR", "a byte is left over");
  assert.equal(told(changed(plain, 5, 0)), "FORMERR", "no question");
  assert.equal(told(changed(plain, 5, 2)), "FORMERR", "two questions");
  assert.equal(told(changed(plain, 7, 1)), "FORMERR", "an answer");
  assert.equal(told(changed(plain, 4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)), "FORMERR", "65,535 of each");
  assert.equal(told(changed(plain, 12, 0xc0, 12)), "FORMERR", "a pointer to itself");
  assert.equal(told(Buffer.concat([changed(edns, 11, 2), edns.subarray(-11)])), "FORMERR", "two OPT records");
});

test("D2: odd operations, classes and types are turned down by their own codes", () => {
  assert.equal(told(changed(plain, 2, 0x10)), "NOTIMP", "STATUS");
  assert.equal(told(changed(plain, 2, 0x28)), "NOTIMP", "UPDATE");
  assert.equal(told(changed(plain, plain.length - 1, 3)), "REFUSED", "class CH");
  assert.equal(told(changed(plain, plain.length - 1, 255)), "REFUSED", "class ANY");
  assert.equal(told(queryBytes("reviews.shop", "AXFR")), "REFUSED");
  assert.equal(told(queryBytes("reviews.shop", "IXFR")), "REFUSED");
});

test("an EDNS version of the future is BADVERS", () => {
  const read = readQuery(changed(edns, edns.length - 5, 1));
  assert.ok(read.kind === "turned down");
  const answer = decodeAnswer(buildEmptyAnswer(read.echo, read.rcode));
  const [opt] = answer.additionals ?? [];
  assert.ok(opt?.type === "OPT");
  assert.equal(opt.extendedRcode, 1);
  assert.equal(answer.rcode, "NOERROR");
});

test("the root may be asked about", () => {
  assert.equal(told(queryBytes(".", "NS")), "query 2 ");
});
