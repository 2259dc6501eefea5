// A resolver on loopback that says what a test wants it to say.
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { EventEmitter, once } from "node:events";
import { createServer, type Server, type Socket as TcpSocket } from "node:net";
import { type DecodedPacket, decode, encode, type Packet } from "dns-packet";

export interface AskedQuery {
  packet: DecodedPacket;
  bytes: Buffer;
  transport: "udp" | "tcp";
  /** Port that the query came from. */
  fromPort: number;
}

/** Messages to send, in order; none is silence. */
export type UpstreamHandler = (query: AskedQuery) => Uint8Array[];

export interface FakeUpstream {
  readonly address: string;
  readonly port: number;
  /** Every query so far. */
  readonly queries: AskedQuery[];
  handler: UpstreamHandler;
  /** Resolves at the next query. */
  asked(): Promise<AskedQuery>;
  stop(): Promise<void>;
}

export async function startUpstream(handler: UpstreamHandler): Promise<FakeUpstream> {
  const events = new EventEmitter();
  const tcp: Server = createServer();
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  const { port } = tcp.address() as { port: number };
  const udp: Socket = createSocket("udp4");
  udp.bind(port, "127.0.0.1");
  await once(udp, "listening");
  const sockets = new Set<TcpSocket>();
  const upstream: FakeUpstream = {
    address: "127.0.0.1",
    port,
    queries: [],
    handler,
    asked: async () => (await once(events, "query"))[0] as AskedQuery,
    async stop() {
      for (const socket of sockets) socket.destroy();
      udp.close();
      tcp.close();
      await Promise.all([once(udp, "close"), once(tcp, "close")]);
    },
  };
  const take = (bytes: Buffer, transport: "udp" | "tcp", fromPort: number): Uint8Array[] => {
    const query = { packet: decode(bytes), bytes, transport, fromPort };
    upstream.queries.push(query);
    const replies = upstream.handler(query);
    events.emit("query", query);
    return replies;
  };
  udp.on("message", (bytes: Buffer, from: RemoteInfo) => {
    for (const reply of take(bytes, "udp", from.port)) udp.send(reply, from.port, from.address);
  });
  tcp.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes: Buffer) => {
      for (const reply of take(bytes.subarray(2), "tcp", socket.remotePort ?? 0)) {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([length, reply]));
      }
    });
  });
  return upstream;
}

/** A proper answer to a query. */
export function replyTo(query: AskedQuery, more: Packet & { rcode?: number } = {}): Buffer {
  const { rcode = 0, flags = 0, ...packet } = more;
  return encode({
    type: "response",
    id: query.packet.id ?? 0,
    flags: 0x0180 | flags | rcode,
    questions: query.packet.questions ?? [],
    ...packet,
  });
}

/** Answers A questions with this address, others with an empty NOERROR. */
export function always(address: string): UpstreamHandler {
  return (query) => {
    const [question] = query.packet.questions ?? [];
    const answers = question?.type === "A" ? [{ type: "A" as const, name: question.name, ttl: 60, data: address }] : [];
    return [replyTo(query, { answers })];
  };
}
