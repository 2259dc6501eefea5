// Feeds mutated packets to everything that reads packets. Run as a worker, so that a test can end it if it hangs.
import { parentPort, workerData } from "node:worker_threads";
import { encode } from "dns-packet";
import fc from "fast-check";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { systemRandom } from "../../kernel/random.ts";
import { decodeAnswer, queryBytes } from "./dig.fake.ts";
import { answerLimit, type DnsTransport } from "./dns-answer.ts";
import { DnsForwarder } from "./dns-forwarder.ts";
import { createDnsMetrics } from "./dns-metrics.ts";
import { readQuery } from "./dns-query.ts";
import { passOn, readReply } from "./dns-reply.ts";
import { createDnsResolver, type DnsResolver } from "./dns-resolver.ts";
import { meshLookup } from "./mesh-table.fake.ts";

/** What the worker reports after each packet of a hundred, and at the end. */
export type FuzzReport = { kind: "progress" } | { kind: "done"; answered: number } | { kind: "failed"; error: string };

/** Valid messages to start from: queries of all sorts and replies with records of all sorts. */
function seeds(): Buffer[] {
  const queries = [
    queryBytes("reviews.shop.svc.cluster.local", "A"),
    queryBytes("ratings", "AAAA", { udpSize: 1232 }),
    queryBytes("many.shop", "ANY", { udpSize: 65535 }),
    queryBytes("a.b.wild.example.com", "A"),
    queryBytes(".", "NS"),
  ];
  const metrics = createDnsMetrics(new Metrics());
  const resolver = resolverWith(metrics);
  const replies = queries.flatMap((query) => {
    const answer = resolver.answer(query, "tcp");
    return answer instanceof Uint8Array ? [Buffer.from(answer)] : [];
  });
  return [...queries, ...replies, resolverReply(), ladder()];
}

/** What a resolver outside says, with aliases, authority and EDNS. */
function resolverReply(): Buffer {
  const name = "reviews.shop.svc.cluster.local";
  return encode({
    type: "response",
    id: 4711,
    flags: 0x0180,
    questions: [{ type: "A", name }],
    answers: [
      { type: "CNAME", name, ttl: 60, data: "edge.example.net" },
      { type: "A", name: "edge.example.net", ttl: 60, data: "192.0.2.1" },
    ],
    authorities: [
      { type: "SOA", name: "example.net", ttl: 60, data: { mname: "ns.example.net", rname: "a.example.net" } },
    ],
    additionals: [
      {
        type: "OPT",
        name: ".",
        udpPayloadSize: 1232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
}

/** Records whose names climb a ladder of pointers, as long as a message may be. */
function ladder(): Buffer {
  const rungs = Buffer.alloc(16_000);
  for (let at = 2; at < rungs.length; at += 2) rungs.writeUInt16BE(0xc000 | (12 + 11 + at - 2), at);
  const bytes = Buffer.alloc(60_000);
  bytes.writeUInt16BE(0x8180, 2);
  bytes.writeUInt16BE(3_000, 6);
  bytes.writeUInt16BE(10, 13);
  bytes.writeUInt16BE(rungs.length, 21);
  rungs.copy(bytes, 23);
  for (let at = 23 + rungs.length; at + 12 <= bytes.length; at += 12) {
    bytes.writeUInt16BE(0xc000 | (23 + rungs.length - 2), at);
    bytes.writeUInt16BE(10, at + 2);
  }
  return bytes;
}

function resolverWith(metrics: ReturnType<typeof createDnsMetrics>): DnsResolver {
  const table = meshLookup();
  const shared = { clock: new FakeClock(), random: systemRandom, metrics, log: fakeLog().log };
  const forwarder = new DnsForwarder({ ...shared, upstreams: () => [], isOwnAddress: () => false });
  return createDnsResolver({
    ...shared,
    forwarder,
    table: () => table,
    domainSuffix: () => "cluster.local",
    searchDomains: () => ["corp.example"],
  });
}

interface Mutation {
  kind: "set" | "cut" | "insert" | "repeat";
  place: number;
  byte: number;
}

/** Bytes overwritten, cut off, put in and repeated. */
function mutated(start: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const mutation: fc.Arbitrary<Mutation> = fc.record({
    kind: fc.constantFrom("set" as const, "set" as const, "cut" as const, "insert" as const, "repeat" as const),
    place: fc.nat(65_535),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 0xc0, 0xff, 63, 64)),
  });
  return fc
    .tuple(fc.constantFrom(...start), fc.array(mutation, { maxLength: 12 }))
    .map(([seed, mutations]) => mutations.reduce(mutate, seed));
}

function mutate(bytes: Buffer, { kind, place, byte }: Mutation): Buffer {
  if (bytes.length === 0) return Buffer.of(byte);
  const at = place % bytes.length;
  switch (kind) {
    case "set": {
      const copy = Buffer.from(bytes);
      copy[at] = byte;
      return copy;
    }
    case "cut":
      return bytes.subarray(0, at);
    case "insert":
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)]);
    case "repeat":
      return Buffer.concat([bytes, bytes.subarray(at)]).subarray(0, 65_535);
  }
}

async function fuzz(packets: number, report: (report: FuzzReport) => void): Promise<void> {
  const resolver = resolverWith(createDnsMetrics(new Metrics()));
  let seen = 0;
  let answered = 0;
  const property = fc.asyncProperty(
    mutated(seeds()),
    fc.constantFrom<DnsTransport>("udp", "tcp"),
    async (bytes, transport) => {
      if (++seen % 100 === 0) report({ kind: "progress" });
      const answer = await resolver.answer(bytes, transport);
      const read = readQuery(bytes);
      if (answer === undefined) return read.kind === "ignored";
      answered += 1;
      // Whatever is said must be a DNS message to others too, belong to the question and fit.
      const decoded = decodeAnswer(answer);
      const echo = read.kind === "query" ? read.query : read.kind === "turned down" ? read.echo : undefined;
      if (echo === undefined || decoded.type !== "response" || decoded.id !== echo.id) return false;
      if (answer.length > answerLimit(echo, transport)) return false;

      const name = read.kind === "query" ? read.query.name : "reviews.shop.svc.cluster.local";
      const reply = readReply(bytes, { id: ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0), name, type: 1 });
      if (reply.kind === "answer") passOn(reply, echo);
      return true;
    },
  );
  await fc.assert(property, { numRuns: packets });
  report({ kind: "done", answered });
}

if (parentPort !== null && typeof workerData?.packets === "number") {
  const port = parentPort;
  const report = (value: FuzzReport): void => port.postMessage(value);
  fuzz(workerData.packets, report).catch((error: unknown) => report({ kind: "failed", error: String(error) }));
}
