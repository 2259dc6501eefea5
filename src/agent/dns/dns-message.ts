// Reads whole DNS messages: header, questions and the outline of every record, with every byte accounted for.
import { dnsFlag, dnsType, headerLength } from "./dns-constant.ts";
import { readName } from "./dns-name.ts";

export interface DnsQuestion {
  /** Text form, see dns-name.ts. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Offset of the first byte after the question. */
  readonly end: number;
}

export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  /** For OPT: the sender's UDP size. */
  readonly class: number;
  /** For OPT: extended rcode, version and flags. */
  readonly ttl: number;
  /** Offset of the record's first byte. */
  readonly start: number;
  readonly dataStart: number;
  /** Offset of the first byte after the record. */
  readonly end: number;
}

export interface DnsMessage {
  readonly id: number;
  /** The second header word. */
  readonly flags: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** Questions of one message; nobody asks more than one. */
const questionLimit = 4;

/** Records of one section; 5,000 with long names would keep the agent busy for 100 ms. Real answers have a few dozen. */
const recordLimit = 1_024;

/**
 * @returns undefined where the message is malformed: too short, records that leave it, too many, bytes left over
 */
export function readMessage(bytes: Uint8Array): DnsMessage | undefined {
  if (bytes.length < headerLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [questionCount, answerCount, authorityCount, additionalCount] = [4, 6, 8, 10].map((at) => view.getUint16(at));
  if (questionCount === undefined || questionCount > questionLimit) return undefined;
  let at = headerLength;
  const questions: DnsQuestion[] = [];
  for (let i = 0; i < questionCount; i++) {
    const name = readName(bytes, at);
    if (name === undefined || name.end + 4 > bytes.length) return undefined;
    at = name.end + 4;
    questions.push({ name: name.name, type: view.getUint16(name.end), class: view.getUint16(name.end + 2), end: at });
  }
  const sections: DnsRecord[][] = [];
  for (const count of [answerCount, authorityCount, additionalCount]) {
    if (count === undefined || count > recordLimit) return undefined;
    const records: DnsRecord[] = [];
    for (let i = 0; i < count; i++) {
      const record = readRecord(bytes, view, at);
      if (record === undefined) return undefined;
      records.push(record);
      at = record.end;
    }
    sections.push(records);
  }
  if (at !== bytes.length) return undefined;
  const [answers = [], authorities = [], additionals = []] = sections;
  return { id: view.getUint16(0), flags: view.getUint16(2), questions, answers, authorities, additionals };
}

function readRecord(bytes: Uint8Array, view: DataView, start: number): DnsRecord | undefined {
  const name = readName(bytes, start);
  if (name === undefined || name.end + 10 > bytes.length) return undefined;
  const dataStart = name.end + 10;
  const end = dataStart + view.getUint16(name.end + 8);
  if (end > bytes.length) return undefined;
  return {
    name: name.name,
    type: view.getUint16(name.end),
    class: view.getUint16(name.end + 2),
    ttl: view.getUint32(name.end + 4),
    start,
    dataStart,
    end,
  };
}

/** What a message says about EDNS (RFC 6891). */
export interface Edns {
  /** The largest UDP message its sender takes, bytes. */
  readonly udpSize: number;
  readonly version: number;
  readonly dnssecOk: boolean;
  readonly record: DnsRecord;
}

/** "twice" where a message holds more than one OPT record, which is an error. */
export function ednsOf(message: DnsMessage): Edns | undefined | "twice" {
  const records = message.additionals.filter((record) => record.type === dnsType.opt);
  const [record] = records;
  if (record === undefined) return undefined;
  if (records.length > 1) return "twice";
  return {
    udpSize: record.class,
    version: (record.ttl >> 16) & 0xff,
    dnssecOk: (record.ttl & 0x8000) !== 0,
    record,
  };
}

export function opcodeOf(flags: number): number {
  return (flags & dnsFlag.opcode) >> 11;
}
