// A query and what is known about its name → the bytes of an answer.
import { concatBytes } from "../../kernel/bytes.ts";
import { dnsFlag, dnsType, headerLength, internetClass, rcode, tcpLimit, udpLimit } from "./dns-constant.ts";
import { clientUdpSize, type QueryEcho } from "./dns-query.ts";

export type DnsTransport = "udp" | "tcp";

/** Seconds; Istio's agents use the same. */
const meshTtlSeconds = 30;

/** How large an answer may be. */
export function answerLimit(echo: QueryEcho, transport: DnsTransport): number {
  return transport === "tcp" ? tcpLimit : Math.min(clientUdpSize(echo), udpLimit);
}

/** An answer without records. */
export function buildEmptyAnswer(echo: QueryEcho, code: number, flags = 0): Uint8Array {
  const opt = echo.edns === undefined ? new Uint8Array() : optRecord(code, echo.edns.dnssecOk);
  return concatBytes([header(echo, flags | (code & dnsFlag.rcode), 0, opt.length > 0), echo.question, opt]);
}

/**
 * The answer for a name of the mesh.
 *
 * @param addresses 4 or 16 bytes each, all of the family that was asked for; none makes an empty NOERROR
 * @param canonical wire form of the name that the asked one stands for; it is named by a CNAME record
 * @param limit bytes; records that do not fit are left out and the answer is marked as truncated
 */
export function buildMeshAnswer(
  echo: QueryEcho,
  addresses: readonly Uint8Array[],
  canonical: Uint8Array | undefined,
  limit: number,
): Uint8Array {
  const opt = echo.edns === undefined ? new Uint8Array() : optRecord(rcode.noError, echo.edns.dnssecOk);
  const records: Uint8Array[] = [];
  let size = headerLength + echo.question.length + opt.length;
  let truncated = false;
  const add = (owner: number, type: number, data: Uint8Array): void => {
    if (truncated || size + 12 + data.length > limit) {
      truncated = true;
      return;
    }
    records.push(record(owner, type, data));
    size += 12 + data.length;
  };
  if (canonical !== undefined) add(headerLength, dnsType.cname, canonical);
  // The CNAME's data starts after the question, the pointer to it, and the ten bytes of its record.
  const owner = canonical === undefined ? headerLength : headerLength + echo.question.length + 12;
  for (const address of addresses) add(owner, address.length === 4 ? dnsType.a : dnsType.aaaa, address);
  const flags = dnsFlag.authoritative | (truncated ? dnsFlag.truncated : 0);
  return concatBytes([header(echo, flags, records.length, opt.length > 0), echo.question, ...records, opt]);
}

/** The answer to "everything you have": one record that says no (RFC 8482 section 4.2). */
export function buildAnyAnswer(echo: QueryEcho, limit: number): Uint8Array {
  const words = ["RFC8482", ""].map((word) => Uint8Array.of(word.length, ...Buffer.from(word)));
  const opt = echo.edns === undefined ? new Uint8Array() : optRecord(rcode.noError, echo.edns.dnssecOk);
  const parts = [echo.question, record(headerLength, dnsType.hinfo, concatBytes(words)), opt];
  const bytes = concatBytes([header(echo, dnsFlag.authoritative, 1, opt.length > 0), ...parts]);
  return bytes.length > limit ? buildEmptyAnswer(echo, rcode.noError, dnsFlag.truncated) : bytes;
}

function header(echo: QueryEcho, flags: number, answers: number, opt: boolean): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  const view = new DataView(bytes.buffer);
  const copied = echo.flags & (dnsFlag.opcode | dnsFlag.recursionDesired | dnsFlag.checkingDisabled);
  view.setUint16(0, echo.id);
  view.setUint16(2, dnsFlag.response | dnsFlag.recursionAvailable | copied | flags);
  view.setUint16(4, echo.question.length > 0 ? 1 : 0);
  view.setUint16(6, answers);
  view.setUint16(10, opt ? 1 : 0);
  return bytes;
}

/** @param owner offset of a name earlier in the message */
function record(owner: number, type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xc000 | owner);
  view.setUint16(2, type);
  view.setUint16(4, internetClass);
  view.setUint32(6, meshTtlSeconds);
  view.setUint16(10, data.length);
  bytes.set(data, 12);
  return bytes;
}

/** RFC 6891 section 6.1.2. */
function optRecord(code: number, dnssecOk: boolean): Uint8Array {
  const bytes = new Uint8Array(11);
  const view = new DataView(bytes.buffer);
  view.setUint16(1, dnsType.opt);
  view.setUint16(3, udpLimit);
  view.setUint8(5, code >> 4);
  view.setUint16(7, dnssecOk ? 0x8000 : 0);
  return bytes;
}
