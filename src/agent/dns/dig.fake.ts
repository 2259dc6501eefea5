// A DNS client made with another implementation of the wire format, as `dig` is.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { type DecodedPacket, decode, encode, type Packet, type RecordType, streamEncode } from "dns-packet";

export interface Answer extends DecodedPacket {
  rcode: string;
}

export interface DigOptions {
  port: number;
  transport?: "udp" | "tcp";
  /** Adds an OPT record. */
  udpSize?: number;
  id?: number;
  flags?: number;
  server?: string;
}

export function queryBytes(name: string, type: string, options: Partial<DigOptions> = {}): Buffer {
  return encode(queryPacket(name, type, options));
}

function queryPacket(name: string, type: string, options: Partial<DigOptions>): Packet {
  const { udpSize, id = 4711, flags = 0x0100 } = options;
  const opt = { type: "OPT" as const, name: ".", udpPayloadSize: udpSize ?? 0, extendedRcode: 0, ednsVersion: 0 };
  return {
    type: "query",
    id,
    flags,
    questions: [{ name, type: type as RecordType }],
    additionals: udpSize === undefined ? [] : [{ ...opt, flags: 0, flag_do: false, options: [] }],
  };
}

/** Asks and returns the decoded answer. */
export async function dig(name: string, type: string, options: DigOptions): Promise<Answer> {
  return decodeAnswer(
    options.transport === "tcp"
      ? await askTcp(options, streamEncode(queryPacket(name, type, options)))
      : await askUdp(options, queryBytes(name, type, options)),
  );
}

export function decodeAnswer(bytes: Uint8Array): Answer {
  return decode(Buffer.from(bytes)) as Answer;
}

export async function askUdp(options: DigOptions, query: Uint8Array): Promise<Uint8Array> {
  const server = options.server ?? "127.0.0.1";
  const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
  try {
    const reply = once(socket, "message");
    socket.send(query, options.port, server);
    return (await reply)[0] as Uint8Array;
  } finally {
    socket.close();
  }
}

/** Sends framed bytes; returns the first message that comes back, without its length. */
export async function askTcp(options: DigOptions, framed: Uint8Array): Promise<Uint8Array> {
  const socket = connect(options.port, options.server ?? "127.0.0.1");
  try {
    socket.write(framed);
    let held = Buffer.alloc(0);
    for await (const chunk of socket) {
      held = Buffer.concat([held, chunk as Buffer]);
      if (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0))
        return held.subarray(2, 2 + held.readUInt16BE(0));
    }
    throw new Error("the server closed the connection");
  } finally {
    socket.destroy();
  }
}

/** The addresses in an answer. */
export function addressesIn(answer: Answer): string[] {
  return (answer.answers ?? []).flatMap((record) =>
    record.type === "A" || record.type === "AAAA" ? [record.data as string] : [],
  );
}
