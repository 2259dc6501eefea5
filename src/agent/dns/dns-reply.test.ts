import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, encode, type Packet } from "dns-packet";
import { decodeAnswer } from "./dig.fake.ts";
import { passOn, type ReadReply, readReply } from "./dns-reply.ts";

const asked = { id: 77, name: "www.example.com", type: 1 };

function reply(more: Packet & { rcode?: number } = {}): Uint8Array {
  const { rcode = 0, flags = 0, ...packet } = more;
  const questions = [{ type: "A" as const, name: "www.Example.com" }];
  return encode({ type: "response", id: 77, flags: 0x0180 | flags | rcode, questions, ...packet });
}

const a = (name: string, data = "192.0.2.1"): Answer => ({ type: "A", name, ttl: 60, data });
const cname = (name: string, data: string): Answer => ({ type: "CNAME", name, ttl: 60, data });

function kindOf(bytes: Uint8Array): string {
  const read = readReply(bytes, asked);
  return read.kind === "unusable" ? `unusable ${read.rcode}` : read.kind;
}

test("an answer to the question is taken, whatever the letter case it repeats", () => {
  assert.equal(kindOf(reply({ answers: [a("WWW.example.COM")] })), "answer");
  assert.equal(kindOf(reply({ rcode: 3 })), "answer");
});

test("D1: wrong id, wrong question, no response: not for us", () => {
  const good = { answers: [a("www.example.com")] };
  assert.equal(kindOf(reply({ ...good, id: 78 })), "foreign");
  assert.equal(kindOf(reply({ ...good, questions: [{ type: "A", name: "www.example.org" }] })), "foreign");
  assert.equal(kindOf(reply({ ...good, questions: [{ type: "AAAA", name: "www.example.com" }] })), "foreign");
  assert.equal(kindOf(reply({ ...good, questions: [{ type: "A", name: "www.example.com", class: "CH" }] })), "foreign");
  assert.equal(kindOf(reply({ ...good, questions: [] })), "foreign");
  assert.equal(
    kindOf(encode({ type: "query", id: 77, questions: [{ type: "A", name: "www.example.com" }] })),
    "foreign",
  );
  assert.equal(kindOf(reply(good).subarray(0, -1)), "foreign");
  assert.equal(kindOf(Buffer.concat([reply(good), Buffer.alloc(3)])), "foreign");
});

test("D1: answers about other names are not accepted", () => {
  assert.equal(kindOf(reply({ answers: [a("www.example.com"), a("bank.example")] })), "foreign");
  assert.equal(kindOf(reply({ answers: [a("example.com")] })), "foreign");
});

test("aliases lead on, in any order, and end somewhere", () => {
  const chain = [
    cname("www.example.com", "cdn.example.net"),
    cname("cdn.example.net", "edge.example.org"),
    a("edge.example.org"),
  ];
  assert.equal(kindOf(reply({ answers: chain })), "answer");
  assert.equal(kindOf(reply({ answers: [...chain].reverse() })), "answer");
  assert.equal(kindOf(reply({ answers: chain.slice(1) })), "foreign");
  const circle = [cname("www.example.com", "b.example"), cname("b.example", "www.example.com")];
  assert.equal(kindOf(reply({ answers: circle })), "answer");
  const long = Array.from({ length: 40 }, (_, i) =>
    cname(i === 0 ? "www.example.com" : `n${i}.example`, `n${i + 1}.example`),
  );
  assert.equal(kindOf(reply({ answers: long })), "foreign");
});

test("a whole zone may be moved by DNAME", () => {
  const dname: Answer = { type: "DNAME", name: "example.com", ttl: 60, data: "example.net" };
  const moved = [dname, cname("www.example.com", "www.example.net"), a("www.example.net")];
  assert.equal(kindOf(reply({ answers: moved })), "answer");
});

test("what a resolver cannot say, another may", () => {
  for (const code of [1, 2, 4, 5, 9]) assert.equal(kindOf(reply({ rcode: code })), `unusable ${code}`);
  assert.equal(kindOf(reply({ rcode: 1, questions: [] })), "unusable 1");
  assert.equal(kindOf(reply({ flags: 0x0200 })), "truncated");
});

test("D1: foreign authority and additional records are not passed on; the client's id and letters are", () => {
  const soa = (name: string): Answer => ({
    type: "SOA",
    name,
    ttl: 60,
    data: { mname: "ns.example.com", rname: "admin.example.com" },
  });
  const passed = (authorities: Answer[], edns: unknown) => {
    const bytes = reply({
      answers: [a("www.example.com")],
      authorities,
      additionals: [
        a("ns.example.com", "6.6.6.6"),
        {
          type: "OPT",
          name: ".",
          udpPayloadSize: 4096,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    });
    const read = readReply(bytes, asked) as Extract<ReadReply, { kind: "answer" }>;
    const question = encode({ questions: [{ type: "A", name: "wWw.eXample.com" }] }).subarray(12);
    return decodeAnswer(passOn(read, { id: 5, question, edns }));
  };
  const clean = passed([soa("example.com")], {});
  assert.equal(clean.id, 5);
  assert.equal(clean.questions?.[0]?.name, "wWw.eXample.com");
  assert.equal(clean.answers?.length, 1);
  assert.equal(clean.authorities?.length, 1);
  assert.deepEqual(
    clean.additionals?.map((record) => record.type),
    ["OPT"],
  );
  const poisoned = passed([soa("example.com"), soa("bank.example")], undefined);
  assert.deepEqual(poisoned.authorities, []);
  assert.deepEqual(poisoned.additionals, []);
  assert.equal(poisoned.answers?.length, 1);
});

test("1,024 records are read, one more is not", () => {
  const many = (count: number): Answer[] => Array.from({ length: count }, () => a("www.example.com"));
  assert.equal(kindOf(reply({ answers: many(1_024) })), "answer");
  assert.equal(kindOf(reply({ answers: many(1_025) })), "foreign");
});
