// Bytes from a client → a query, or how to turn it down.
import { dnsFlag, dnsType, headerLength, internetClass, plainUdpLimit, rcode } from "./dns-constant.ts";
import { type Edns, ednsOf, opcodeOf, readMessage } from "./dns-message.ts";
import { readName } from "./dns-name.ts";

/** What an answer repeats from the question. */
export interface QueryEcho {
  readonly id: number;
  readonly flags: number;
  /** The question as it was sent, letter case included; empty where it could not be read. */
  readonly question: Uint8Array;
  readonly edns: Edns | undefined;
}

export interface DnsQuery extends QueryEcho {
  /** Text form, see dns-name.ts. */
  readonly name: string;
  readonly type: number;
  readonly message: Uint8Array;
}

export type ReadQuery =
  | { readonly kind: "query"; readonly query: DnsQuery }
  | { readonly kind: "turned down"; readonly rcode: number; readonly echo: QueryEcho }
  /** Not even an error is sent: it is no query, or too short to answer. */
  | { readonly kind: "ignored" };

/** Never throws, whatever the bytes. */
export function readQuery(bytes: Uint8Array): ReadQuery {
  if (bytes.length < headerLength) return { kind: "ignored" };
  const [id, flags] = [word(bytes, 0), word(bytes, 2)];
  // Answering an answer would let two servers shout at each other for ever.
  if ((flags & dnsFlag.response) !== 0) return { kind: "ignored" };
  const turnDown = (code: number, edns?: Edns): ReadQuery => ({
    kind: "turned down",
    rcode: code,
    echo: { id, flags, question: firstQuestion(bytes), edns },
  });
  if (opcodeOf(flags) !== 0) return turnDown(rcode.notImp);
  // One question and at most an OPT record; checked before reading, so that a large message costs nothing.
  const counts = [4, 6, 8, 10].map((at) => word(bytes, at));
  if (counts[0] !== 1 || counts[1] !== 0 || counts[2] !== 0 || (counts[3] ?? 0) > 1) return turnDown(rcode.formErr);
  const message = readMessage(bytes);
  const [question] = message?.questions ?? [];
  if (message === undefined || question === undefined) return turnDown(rcode.formErr);
  const edns = ednsOf(message);
  if (edns === "twice" || (edns === undefined && message.additionals.length > 0)) return turnDown(rcode.formErr);
  if (edns !== undefined && edns.record.name !== "") return turnDown(rcode.formErr);
  if (edns !== undefined && edns.version !== 0) return turnDown(rcode.badVers, edns);
  if (question.class !== internetClass) return turnDown(rcode.refused, edns);
  if (question.type === dnsType.axfr || question.type === dnsType.ixfr) return turnDown(rcode.refused, edns);
  if (question.type === dnsType.opt) return turnDown(rcode.formErr, edns);
  return {
    kind: "query",
    query: {
      id,
      flags,
      question: bytes.subarray(headerLength, question.end),
      edns,
      name: question.name,
      type: question.type,
      message: bytes,
    },
  };
}

/** The largest UDP answer the client takes, before our own limit. */
export function clientUdpSize(echo: QueryEcho): number {
  return Math.max(plainUdpLimit, echo.edns?.udpSize ?? plainUdpLimit);
}

/** The first question of a message that is otherwise not usable. */
function firstQuestion(bytes: Uint8Array): Uint8Array {
  if (word(bytes, 4) === 0) return new Uint8Array();
  const name = readName(bytes, headerLength);
  return name === undefined || name.end + 4 > bytes.length
    ? new Uint8Array()
    : bytes.subarray(headerLength, name.end + 4);
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
