// Whatever machines, groups and accounts do, in whatever order.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  clock,
  connect,
  deleteGroup,
  graceMs,
  groups,
  istioNode,
  names,
  node,
  registration,
  setGroup,
  spiffe,
  useRegistration,
} from "./registration-rig.fake.ts";

useRegistration();

test("whatever machines and groups do, entries are those of machines that are here, one for each address", async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant("connect" as const), fc.nat(5), fc.nat(3), fc.nat(1)) },
    { weight: 4, arbitrary: fc.tuple(fc.constant("disconnect" as const), fc.nat(30), fc.constant(0), fc.constant(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("pass" as const), fc.nat(graceMs), fc.constant(0), fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("group" as const), fc.nat(2), fc.constant(0), fc.constant(0)) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const open = new Map<string, string>();
      const seen = new Map<string, number>();
      let count = 0;
      setGroup("reviews", { template: { serviceAccount: "reviews" } });
      for (const [what, a, b, c] of steps) {
        if (what === "connect") {
          const id = `p${count++}`;
          const from = (c === 0 ? node : istioNode)({ machine: `vm-${a}`, ips: [`10.0.0.${b + 1}`] });
          try {
            connect(id, from);
            open.set(id, c === 0 ? `reviews-vm-${a}` : `reviews-10.0.0.${b + 1}`);
          } catch (error) {
            assert.match((error as { code: string }).code, /^LAT440[1-4]$/);
          }
        } else if (what === "disconnect") {
          const id = [...open.keys()][a % Math.max(1, open.size)] ?? "none";
          seen.set(open.get(id) ?? "", clock.monotonic());
          open.delete(id);
          registration.disconnected(id);
        } else if (what === "pass") await clock.advance(a);
        else if (a === 0) deleteGroup("reviews");
        else setGroup("reviews", { template: { serviceAccount: a === 1 ? "reviews" : "other" } });

        const present = names();
        const account = [...groups.values()][0]?.spec.template.serviceAccount;
        if (account === "reviews") {
          for (const name of open.values()) assert.ok(present.includes(name), `${name} is connected and has no entry`);
        } else {
          assert.deepEqual(present, []);
        }
        for (const name of present) {
          const gone = clock.monotonic() - (seen.get(name) ?? Number.NEGATIVE_INFINITY) >= graceMs;
          assert.ok([...open.values()].includes(name) || !gone, `${name} outlived its machine`);
        }
        const addresses = [...registration.entries.values()].map(({ spec }) => spec.address);
        assert.equal(new Set(addresses).size, addresses.length, "one entry for each address");
      }
      for (const id of open.keys()) registration.disconnected(id);
      await clock.advance(graceMs);
      assert.deepEqual(names(), []);
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 300 },
  );
});

test("whatever two accounts claim, an address has one entry, and nobody waits for nothing", async () => {
  const setAccount = (group: string, serviceAccount = group): void => setGroup(group, { template: { serviceAccount } });
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant("connect" as const), fc.nat(7), fc.nat(1)) },
    { weight: 3, arbitrary: fc.tuple(fc.constant("disconnect" as const), fc.nat(30), fc.constant(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("pass" as const), fc.nat(3 * graceMs), fc.constant(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("group" as const), fc.nat(1), fc.nat(2)) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const open = new Map<string, { name: string; address: string; seen: boolean }>();
      let count = 0;
      for (const group of ["low", "reviews"]) setAccount(group);
      for (const [what, a, b] of steps) {
        if (what === "connect") {
          const id = `q${count++}`;
          const [low, seen, machine] = [a % 2 === 0, a % 4 < 2, `vm-${a >> 2}`];
          const address = `10.0.0.${b + 1}`;
          const from = node({ machine, ips: [address], autoRegisterGroup: low ? "low" : "reviews" });
          try {
            connect(id, from, spiffe(low ? "low" : "reviews"), { address: seen ? address : "10.9.9.9" });
            open.set(id, { name: `${low ? "low" : "reviews"}-${machine}`, address, seen });
          } catch (error) {
            assert.match((error as { code: string }).code, /^LAT440[1-4]$/);
          }
        } else if (what === "disconnect") {
          const id = [...open.keys()][a % Math.max(1, open.size)] ?? "none";
          open.delete(id);
          registration.disconnected(id);
        } else if (what === "pass") await clock.advance(a);
        else {
          const group = a === 0 ? "low" : "reviews";
          if (b === 0) deleteGroup(group);
          else setAccount(group, b === 1 ? "other" : group);
        }

        const entries = [...registration.entries.values()];
        const addresses = entries.map(({ spec }) => spec.address);
        assert.equal(new Set(addresses).size, addresses.length, "one entry for each address");
      }
      for (const group of ["low", "reviews"]) setAccount(group);
      const [last] = [...open.entries()].reverse();
      for (const id of open.keys()) if (id !== last?.[0]) registration.disconnected(id);
      await clock.advance(graceMs);
      assert.deepEqual(names(), last === undefined ? [] : [last[1].name]);
      if (last !== undefined) registration.disconnected(last[0]);
      await clock.advance(graceMs);
      assert.deepEqual(names(), []);
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 300 },
  );
});
