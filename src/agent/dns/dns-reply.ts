// Bytes from a resolver → an answer we pass on, or why not. Whoever guesses id and port can send anything here.
import { concatBytes } from "../../kernel/bytes.ts";
import { dnsFlag, dnsType, headerLength, rcode } from "./dns-constant.ts";
import { type DnsMessage, type DnsRecord, ednsOf, opcodeOf, readMessage } from "./dns-message.ts";
import { isWithin, readName } from "./dns-name.ts";

/** What was asked of the resolver. */
export interface AskedQuestion {
  readonly id: number;
  readonly name: string;
  readonly type: number;
}

export type ReadReply =
  /** Not an answer to this question: forged, late, or broken. Waiting goes on. */
  | { readonly kind: "foreign" }
  /** The resolver cannot say; another may. */
  | { readonly kind: "unusable"; readonly rcode: number }
  /** Cut off; to be asked again over TCP. */
  | { readonly kind: "truncated" }
  | { readonly kind: "answer"; readonly rcode: number; readonly message: DnsMessage; readonly bytes: Uint8Array };

/** Never throws, whatever the bytes. */
export function readReply(bytes: Uint8Array, asked: AskedQuestion): ReadReply {
  const message = readMessage(bytes);
  if (message === undefined || message.id !== asked.id) return { kind: "foreign" };
  if ((message.flags & dnsFlag.response) === 0 || opcodeOf(message.flags) !== 0) return { kind: "foreign" };
  const code = message.flags & dnsFlag.rcode;
  const edns = ednsOf(message);
  if (edns === "twice") return { kind: "foreign" };
  const [question, ...others] = message.questions;
  if (question === undefined) {
    // Some servers leave the question out of an error that says they did not understand it.
    const named = code === rcode.formErr || code === rcode.notImp || code === rcode.servFail || code === rcode.refused;
    return named ? { kind: "unusable", rcode: code } : { kind: "foreign" };
  }
  // Names compare without case: a resolver may or may not repeat the letters as they were sent.
  if (others.length > 0 || question.name !== asked.name || question.type !== asked.type || question.class !== 1) {
    return { kind: "foreign" };
  }
  if ((message.flags & dnsFlag.truncated) !== 0) return { kind: "truncated" };
  const extended = code | (edns === undefined ? 0 : ((edns.record.ttl >>> 24) & 0xff) << 4);
  if (extended !== rcode.noError && extended !== rcode.nxDomain) return { kind: "unusable", rcode: extended };
  if (!answersBelong(bytes, message.answers, asked.name)) return { kind: "foreign" };
  return { kind: "answer", rcode: code, message, bytes };
}

/** Aliases that one answer may chain; resolvers stop earlier. */
const aliasLimit = 16;

/** True where every answer is about the asked name or one that it leads to by CNAME or DNAME. */
function answersBelong(bytes: Uint8Array, answers: readonly DnsRecord[], name: string): boolean {
  const names = namesLedTo(bytes, answers, name);
  return answers.every((record) => names.some((known) => belongs(record, known)));
}

function belongs(record: DnsRecord, name: string): boolean {
  return record.name === name || (record.type === dnsType.dname && isWithin(name, record.name));
}

/** The asked name and every name that its aliases lead to. */
function namesLedTo(bytes: Uint8Array, answers: readonly DnsRecord[], name: string): readonly string[] {
  const aliases = new Map<string, DnsRecord>();
  for (const record of answers) if (record.type === dnsType.cname) aliases.set(record.name, record);
  const names = [name];
  for (let alias = aliases.get(name); alias !== undefined && names.length <= aliasLimit; ) {
    const target = readName(bytes, alias.dataStart);
    if (target === undefined || target.end !== alias.end || names.includes(target.name)) break;
    names.push(target.name);
    alias = aliases.get(target.name);
  }
  return names;
}

/**
 * The answer as the client gets it: its own id and question, letter case included, and nothing that was not asked for.
 * Authority records of other zones and all additional records are left out, except EDNS where the client speaks it.
 */
export function passOn(
  reply: Extract<ReadReply, { kind: "answer" }>,
  echo: { id: number; question: Uint8Array; edns: unknown },
): Uint8Array {
  const { bytes, message } = reply;
  const [question] = message.questions;
  const questionEnd = question?.end ?? headerLength;
  const answersEnd = message.answers.at(-1)?.end ?? questionEnd;
  const names = namesLedTo(bytes, message.answers, question?.name ?? "");
  const keepAuthorities = message.authorities.every((record) => names.some((name) => isWithin(name, record.name)));
  const kept = keepAuthorities ? message.authorities : [];
  const bodyEnd = kept.at(-1)?.end ?? answersEnd;
  const edns = echo.edns === undefined ? undefined : ednsOf(message);
  const opt = edns === undefined || edns === "twice" ? undefined : edns.record;
  const head = new Uint8Array(bytes.subarray(0, headerLength));
  const view = new DataView(head.buffer);
  view.setUint16(0, echo.id);
  view.setUint16(2, message.flags | dnsFlag.recursionAvailable);
  view.setUint16(8, kept.length);
  view.setUint16(10, opt === undefined ? 0 : 1);
  return concatBytes([
    head,
    echo.question,
    bytes.subarray(questionEnd, bodyEnd),
    opt === undefined ? new Uint8Array() : bytes.subarray(opt.start, opt.end),
  ]);
}
