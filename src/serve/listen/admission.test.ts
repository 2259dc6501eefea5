import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";

async function startBed(t: TestContext, limits: Partial<AdmissionLimits>) {
  const clock = new FakeClock();
  const admitted: { socket: Socket; said: string }[] = [];
  const waiters: { count: number; resolve: () => void }[] = [];
  const refused: string[] = [];
  const admission = new Admission({
    clock,
    admit: (socket) => {
      admitted.push({ socket, said: String(socket.read()) });
      for (const { count, resolve } of waiters) if (admitted.length >= count) resolve();
    },
    onRefused: (reason) => refused.push(reason),
    limits,
  });
  const server = createServer({ pauseOnConnect: true }, (socket) => admission.take(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const clients: Socket[] = [];
  t.after(() => {
    for (const client of clients) client.destroy();
    for (const { socket } of admitted) socket.destroy();
    admission.stop();
    server.close();
  });
  return {
    clock,
    admission,
    admitted,
    refused,
    /** Connects, and says something once the server has accepted. */
    async dial(said?: string, localAddress = "127.0.0.1"): Promise<Socket> {
      const accepted = once(server, "connection");
      const { port } = server.address() as AddressInfo;
      const client = createConnection({ port, host: "127.0.0.1", localAddress });
      client.on("error", () => {});
      client.resume();
      clients.push(client);
      await accepted;
      if (said !== undefined) client.write(said);
      return client;
    },
    admittedCount: (count: number) =>
      admitted.length >= count
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            waiters.push({ count, resolve });
          }),
  };
}

test("only so many are in progress; the next comes in when one is settled or gone, oldest first", async (t) => {
  const { admission, admitted, admittedCount, dial } = await startBed(t, { inProgress: 2 });
  const clients: Socket[] = [];
  for (const [index, name] of ["a", "b", "c", "d"].entries()) {
    clients.push(await dial(name));
    if (index < 2) await admittedCount(index + 1);
    else while (admission.counts.waiting < index - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(
    admitted.map(({ said }) => said),
    ["a", "b"],
  );
  admission.settled((admitted[0] as { socket: Socket }).socket);
  await admittedCount(3);
  clients[1]?.destroy();
  (admitted[1] as { socket: Socket }).socket.resume();
  await admittedCount(4);
  assert.deepEqual(
    admitted.map(({ said }) => said),
    ["a", "b", "c", "d"],
  );
});

test("who says nothing gets no place and is closed after ten seconds", async (t) => {
  const { admission, admitted, clock, dial } = await startBed(t, { inProgress: 1 });
  const client = await dial();
  assert.deepEqual(admission.counts, { silent: 1, waiting: 0, inProgress: 0 });
  await clock.advance(9_999);
  assert.equal(admission.counts.silent, 1);
  await clock.advance(1);
  await once(client, "close");
  assert.equal(admitted.length, 0);
  assert.equal(clock.pending, 0);
});

test("where too many say nothing, the oldest is closed", async (t) => {
  const { admission, dial, refused } = await startBed(t, { silent: 2 });
  const first = await dial();
  await dial();
  await dial();
  await once(first, "close");
  assert.equal(admission.counts.silent, 2);
  assert.deepEqual(refused, ["silent"]);
});

test("where too many wait, the newest is closed", async (t) => {
  const { admission, admittedCount, dial, refused } = await startBed(t, { inProgress: 1, waiting: 1 });
  await dial("a");
  await admittedCount(1);
  await dial("b");
  while (admission.counts.waiting < 1) await new Promise((resolve) => setImmediate(resolve));
  const third = await dial("c");
  await once(third, "close");
  assert.deepEqual(refused, ["waiting"]);
});

test("who makes no progress gives his place to the next in line", async (t) => {
  const { admission, admitted, admittedCount, clock, dial } = await startBed(t, { inProgress: 1, stalledMs: 100 });
  await dial("a");
  await admittedCount(1);
  await dial("b");
  while (admission.counts.waiting < 1) await new Promise((resolve) => setImmediate(resolve));
  (admitted[0] as { socket: Socket }).socket.write("progress");
  await clock.advance(100);
  assert.equal(admitted.length, 1, "something moved");
  await clock.advance(100);
  assert.equal(admitted.length, 2);
  assert.equal(clock.pending, 0);
});

test("who moves something for ever gives his place on in the end", async (t) => {
  const limits = { inProgress: 1, stalledMs: 100, unprovenMs: 1_000 };
  const { admission, admitted, admittedCount, clock, dial } = await startBed(t, limits);
  await dial("a");
  await admittedCount(1);
  await dial("b");
  while (admission.counts.waiting < 1) await new Promise((resolve) => setImmediate(resolve));
  for (let count = 0; count < 9; count++) {
    (admitted[0] as { socket: Socket }).socket.write("drip");
    await clock.advance(100);
    assert.equal(admitted.length, 1);
  }
  (admitted[0] as { socket: Socket }).socket.write("drip");
  await clock.advance(100);
  assert.equal(admitted.length, 2);
});

test("who has proven a certificate keeps his place for longer", async (t) => {
  const limits = { inProgress: 1, stalledMs: 100, unprovenMs: 300, placeMs: 1_000 };
  const { admission, admitted, admittedCount, clock, dial } = await startBed(t, limits);
  await dial("a");
  await admittedCount(1);
  await dial("b");
  while (admission.counts.waiting < 1) await new Promise((resolve) => setImmediate(resolve));
  const { socket } = admitted[0] as { socket: Socket };
  admission.proved(socket);
  for (let count = 0; count < 9; count++) {
    socket.write("drip");
    await clock.advance(100);
    assert.equal(admitted.length, 1);
  }
  await clock.advance(100);
  assert.equal(admitted.length, 2);
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A connection as far as admission looks at it: thousands of real ones would take too long. */
class Connection extends EventEmitter {
  readonly readableLength = 100;
  bytesRead = 100;
  readonly bytesWritten = 0;
  readonly remoteAddress: string;

  /** Has said something by the time anybody listens. */
  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
    this.on("newListener", (event) => {
      if (event === "readable") queueMicrotask(() => this.emit("readable"));
    });
  }

  destroy(): void {
    this.emit("close");
  }
}

for (const [what, addresses, movesBytes] of [
  ["20 addresses whose handshakes drip", 20, true],
  ["500 addresses whose handshakes stall", 500, false],
  ["500 addresses whose handshakes drip", 500, true],
] as const) {
  test(`${what} do not keep a fleet behind one address out`, async () => {
    const clock = new FakeClock();
    const fleet = 500;
    const stepMs = 20;
    const turnsInStep = 4;
    let within = 0;
    /** Machines in mid-handshake, and when they are done. */
    let handshakes: { socket: Socket; doneMs: number }[] = [];
    const strangers = new Set<Connection>();
    const admission = new Admission({
      clock,
      admit: (socket) => {
        if (!strangers.has(socket as unknown as Connection)) {
          handshakes.push({ socket, doneMs: clock.monotonic() + 60 });
        }
      },
    });
    const arrive = (address: string): Connection => {
      const connection = new Connection(address);
      admission.take(connection as unknown as Socket);
      return connection;
    };
    for (let count = 0; count < 12 * addresses; count++) {
      const stranger = arrive(`198.51.${(count % addresses) >> 8}.${(count % addresses) & 255}`);
      strangers.add(stranger);
    }
    for (let count = 0; count < fleet; count++) arrive("192.0.2.1");
    const limitMs = 20_000;
    for (let ms = 0; ms < limitMs && within < fleet; ms += stepMs) {
      if (movesBytes) for (const stranger of strangers) stranger.bytesRead += 17;
      const done = handshakes.filter(({ doneMs }) => doneMs <= clock.monotonic());
      handshakes = handshakes.filter(({ doneMs }) => doneMs > clock.monotonic());
      for (const { socket } of done) {
        within += 1;
        (socket as unknown as Connection).bytesRead += 1;
        admission.proved(socket);
        admission.settled(socket);
      }
      for (let turns = 0; turns < turnsInStep; turns++) await turn();
      await clock.advance(stepMs);
    }
    admission.stop();
    assert.equal(within, fleet);
  });
}

test("of one network few are listened to before one of them has a place, and few in one turn", async () => {
  const heard: Connection[] = [];
  const admitted: Socket[] = [];
  const limits = { inProgress: 4, perNetwork: 2, heardPerNetwork: 4, heardAtOnce: 2 };
  const admission = new Admission({ clock: new FakeClock(), admit: (socket) => admitted.push(socket), limits });
  const arrive = (address: string): void => {
    const connection = new Connection(address);
    connection.on("newListener", (event) => {
      if (event === "readable") heard.push(connection);
    });
    admission.take(connection as unknown as Socket);
  };
  for (let count = 0; count < 9; count++) arrive("192.0.2.1");
  assert.equal(heard.length, 2);
  for (let turns = 0; turns < 9; turns++) await turn();
  assert.deepEqual([heard.length, admission.counts], [6, { silent: 0, waiting: 7, inProgress: 2 }]);
  arrive("192.0.2.2");
  await turn();
  assert.deepEqual([heard.length, admission.counts], [7, { silent: 0, waiting: 7, inProgress: 3 }]);
  admission.settled(admitted[0] as Socket);
  await turn();
  assert.deepEqual([heard.length, admission.counts], [8, { silent: 0, waiting: 6, inProgress: 3 }]);
  admission.stop();
  assert.equal(admission.counts.waiting, 0);
});

test("of all networks together few are listened to as well", async () => {
  const limits = { inProgress: 0, heardInAll: 3 };
  const admission = new Admission({ clock: new FakeClock(), admit: () => {}, limits });
  let heard = 0;
  for (let count = 0; count < 8; count++) {
    const connection = new Connection(`192.0.2.${count}`);
    connection.on("newListener", (event) => {
      if (event === "readable") heard += 1;
    });
    admission.take(connection as unknown as Socket);
  }
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.deepEqual([heard, admission.counts], [3, { silent: 0, waiting: 8, inProgress: 0 }]);
  admission.stop();
});

test("who says nothing for a while does not keep the others of his network from being listened to", async () => {
  const clock = new FakeClock();
  const admission = new Admission({
    clock,
    admit: () => {},
    limits: { inProgress: 0, heardPerNetwork: 2, quietMs: 100 },
  });
  const silent = [1, 2, 3].map(() => Object.assign(new EventEmitter(), { remoteAddress: "192.0.2.1", destroy() {} }));
  for (const socket of silent) admission.take(socket as unknown as Socket);
  admission.take(new Connection("192.0.2.1") as unknown as Socket);
  await turn();
  assert.deepEqual(admission.counts, { silent: 2, waiting: 2, inProgress: 0 });
  await clock.advance(100);
  await turn();
  assert.deepEqual(admission.counts, { silent: 3, waiting: 1, inProgress: 0 });
  for (const socket of silent) socket.emit("close");
  assert.deepEqual(admission.counts, { silent: 0, waiting: 1, inProgress: 0 });
  admission.stop();
  assert.equal(clock.pending, 0);
});

test("one network has no more than its share, however many it sends", async (t) => {
  const { admission, admittedCount, dial } = await startBed(t, { inProgress: 3, perNetwork: 2 });
  for (let count = 0; count < 4; count++) await dial("a", "127.0.0.2");
  await admittedCount(2);
  while (admission.counts.waiting < 2) await new Promise((resolve) => setImmediate(resolve));
  await dial("b", "127.0.0.3");
  await admittedCount(3);
  assert.deepEqual(admission.counts, { silent: 0, waiting: 2, inProgress: 3 });
});

test("where too many wait, the newest of the crowd is closed, not who comes alone", async (t) => {
  const { admission, dial, refused } = await startBed(t, { inProgress: 0, waiting: 2 });
  await dial("a", "127.0.0.2");
  const crowd = await dial("a", "127.0.0.2");
  while (admission.counts.waiting < 2) await new Promise((resolve) => setImmediate(resolve));
  await dial("b", "127.0.0.3");
  await once(crowd, "close");
  assert.deepEqual([admission.counts.waiting, refused], [2, ["waiting"]]);
});
