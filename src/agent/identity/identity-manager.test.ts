import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { LateenError } from "../../kernel/error.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { IdentityManager, wallCheckMs } from "./identity-manager.ts";
import type { IssuedCertificate, MachineIdentity } from "./machine-identity.ts";
import { testAuthority } from "./test-authority.fake.ts";

const id = "spiffe://cluster.local/ns/shop/sa/reviews";
const day = 86_400_000;
const hour = 3_600_000;

async function setUp(answer?: (csr: string, attempt: number) => Promise<IssuedCertificate> | undefined) {
  const clock = new FakeClock();
  const authority = await testAuthority(clock.now());
  const { log, lines } = fakeLog();
  const saved: MachineIdentity[] = [];
  let attempts = 0;
  const issue = (csr: string) => authority.sign(csr, id, { fromMs: clock.now(), toMs: clock.now() + day });
  const manager = new IdentityManager({
    machineId: () => "vm-1",
    renew: (csr) => {
      attempts += 1;
      return answer?.(csr, attempts) ?? issue(csr);
    },
    save: async (identity) => void saved.push(identity),
    clock,
    random: { fraction: () => 0.5, bytes: (length) => new Uint8Array(length) },
    log,
    metrics: new Metrics(),
  });
  return { clock, authority, manager, saved, lines, issue, attempts: () => attempts };
}

test("none, joining, valid: a new identity is saved before anyone is told", async () => {
  const { manager, saved, issue } = await setUp();
  assert.equal(manager.state.kind, "none");
  const order: string[] = [];
  manager.onChange(() => order.push(`told after ${saved.length} saved`));
  const joining = manager.join(async (csr) => {
    assert.equal(manager.state.kind, "joining");
    return issue(csr);
  });
  const identity = await joining;
  assert.equal(identity.spiffeId, id);
  assert.equal(manager.state.kind, "valid");
  assert.deepEqual(order, ["told after 1 saved"]);
  await manager.stop();
});

test("a refused join leaves nothing behind", async () => {
  const { manager } = await setUp();
  await assert.rejects(
    manager.join(() => Promise.reject(new TypeError("refused"))),
    /refused/,
  );
  assert.equal(manager.state.kind, "none");
  assert.equal(manager.identity, undefined);
  await manager.stop();
});

test("the certificate is renewed before half of its life is over, with a new key", async () => {
  const { manager, clock, issue, saved } = await setUp();
  const first = await manager.join(issue);
  const state = manager.state;
  assert.ok(state.kind === "valid");
  const used = (state.renewAtMs - first.notBeforeMs) / day;
  assert.ok(used > 0.38 && used < 0.5, `renewed after ${used} of the life`);
  await clock.advance(state.renewAtMs - clock.now());
  await manager.idle();
  assert.equal(manager.state.kind, "valid");
  assert.notEqual(manager.identity?.chain, first.chain);
  assert.notEqual(manager.identity?.privateKey.reveal(), first.privateKey.reveal());
  assert.equal(saved.length, 2);
  await manager.stop();
  assert.equal(clock.pending, 0);
});

test("a control plane that is away is asked again until it answers; the old certificate stays in force", async () => {
  const { manager, clock, issue, attempts, lines } = await setUp((_csr, attempt) =>
    attempt < 4 ? Promise.reject(new TypeError("connection refused")) : undefined,
  );
  const first = await manager.join(issue);
  await clock.advance(12 * hour);
  await manager.idle();
  assert.ok(manager.state.kind === "renewing");
  assert.equal(manager.identity, first);
  for (let minute = 0; minute < 5; minute += 1) {
    await clock.advance(60_000);
    await manager.idle();
  }
  assert.equal(attempts(), 4);
  assert.equal(manager.state.kind, "valid");
  assert.ok(lines.some((line) => line["code"] === "LAT3308"));
  await manager.stop();
});

test("an expired certificate is said to be, and still asked to be renewed", async () => {
  let away = true;
  const { manager, clock, issue, lines } = await setUp(() =>
    away ? Promise.reject(new TypeError("connection refused")) : undefined,
  );
  await manager.join(issue);
  for (let step = 0; step < 26; step += 1) {
    await clock.advance(hour);
    await manager.idle();
  }
  assert.equal(manager.state.kind, "expired");
  assert.ok(lines.some((line) => line["code"] === "LAT3307"));
  away = false;
  await clock.advance(60_000);
  await manager.idle();
  assert.equal(manager.state.kind, "valid");
  await manager.stop();
});

test("a machine that slept renews within seconds of waking, although its timers stood still", async () => {
  const { manager, clock, issue, attempts } = await setUp();
  await manager.join(issue);
  const asleep = clock.now() + 20 * hour;
  const wall = clock.now.bind(clock);
  const start = wall();
  clock.now = () => asleep + (wall() - start);
  await clock.advance(wallCheckMs + 5_000);
  await manager.idle();
  assert.equal(attempts(), 1);
  assert.equal(manager.state.kind, "valid");
  await manager.stop();
});

test("certificates for another key, another name or of another root are not taken", async () => {
  const { manager, issue, authority, clock } = await setUp();
  const other = await testAuthority(clock.now());
  const life = { fromMs: clock.now(), toMs: clock.now() + day };
  const otherCsr = await new Promise<string>((resolve) => {
    void manager
      .join(async (csr) => {
        resolve(csr);
        throw new TypeError("only wanted the request");
      })
      .catch(() => {});
  });
  const isBad = (error: unknown) => error instanceof LateenError && error.code === "LAT3306";
  await assert.rejects(
    manager.join(() => authority.sign(otherCsr, id, life)),
    isBad,
  );
  await assert.rejects(
    manager.join(async (csr) => ({ ...(await other.sign(csr, id, life)), roots: [authority.root] })),
    isBad,
  );
  await assert.rejects(
    manager.join(async () => ({ chain: ["nonsense"], roots: [authority.root] })),
    isBad,
  );
  await assert.rejects(
    manager.join(async () => ({ chain: [], roots: [] })),
    isBad,
  );
  await manager.join(issue);
  await manager.stop();
});

test("a renewal under another name is refused and the present one kept", async () => {
  const made = await setUp((csr) =>
    made.authority.sign(csr, `${id}-other`, { fromMs: made.clock.now(), toMs: made.clock.now() + day }),
  );
  const first = await made.manager.join(made.issue);
  await made.manager.renewNow();
  assert.equal(made.manager.identity, first);
  assert.equal(made.manager.state.kind, "renewing");
  await made.manager.stop();
});

test("the identity prints without its key", async () => {
  const { manager, issue } = await setUp();
  const identity = await manager.join(issue);
  assert.doesNotMatch(JSON.stringify(identity), /PRIVATE/);
  assert.doesNotMatch(`${identity.privateKey}`, /PRIVATE/);
  await manager.stop();
});
