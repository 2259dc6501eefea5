import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { keyOf, readTcpTables, unacknowledgedBytes } from "./tcp-queue.ts";

const tables = `
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:3AA4 0200007F:C350 01 0000002A:00000000 01:00000014 00000003     0        0 1 1 0 20 4 0 10 -1
   1: 0100007F:3AA4 0300007F:C351 01 00000000:00000000 02:00000014 00000000     0        0 2 1 0 20 4 0 10 -1
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when
   0: 0000000000000000FFFF00000100007F:3AA4 0000000000000000FFFF00000400000A:C352 01 00000007:00000000 01:00000014
   1: B80D0120000000000000000001000000:3AA4 B80D0120000000000000000002000000:C353 01 00000009:00000000 01:00000014
nonsense
`;

test("the kernel's tables are read for both families", () => {
  const queues = readTcpTables(tables, new Set([50_000, 50_001, 50_002, 50_003]));
  const of = (remoteAddress: string, remotePort: number) =>
    queues.get(keyOf({ localPort: 15_012, remoteAddress, remotePort }));
  assert.equal(of("127.0.0.2", 50_000), 42);
  assert.equal(of("127.0.0.3", 50_001), 0);
  assert.equal(of("10.0.0.4", 50_002), 7, "IPv4 over a dual-stack socket");
  assert.equal(of("::ffff:10.0.0.4", 50_002), 7);
  assert.equal(of("2001:db8::2", 50_003), 9);
  assert.equal(of("127.0.0.9", 50_000), undefined);
  assert.equal(readTcpTables(tables, new Set([1])).size, 0);
});

test("a connection whose other end reads has nothing unacknowledged; a full one has", {
  skip: process.platform !== "linux",
}, async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const dial = async (): Promise<[Socket, Socket]> => {
    const accepted = once(server, "connection");
    const client = createConnection((server.address() as AddressInfo).port, "127.0.0.1");
    t.after(() => client.destroy());
    const [socket] = (await accepted) as [Socket];
    t.after(() => socket.destroy());
    return [client, socket];
  };
  const [reader, toReader] = await dial();
  const [full, toFull] = await dial();
  toReader.write("hello");
  await once(reader, "data");
  reader.write("yes"); // carries the acknowledgement with it
  await once(toReader, "data");
  full.pause();
  // More than the buffers of both kernels take, so that some of it stays here.
  toFull.write(Buffer.alloc(64 << 20));
  const answers = await unacknowledgedBytes(
    [toReader, toFull].map((socket) => ({
      localPort: socket.localPort ?? 0,
      remoteAddress: socket.remoteAddress ?? "",
      remotePort: socket.remotePort ?? 0,
    })),
  );
  assert.equal(answers[0], 0);
  assert.ok((answers[1] ?? 0) > 0);
});
