import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { restMs, trialMs } from "../../src/serve/quarantine/trial-times.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { Fleet, type FleetProxy, type FleetProxyOptions, markers, routeName } from "./quarantine-rig.ts";

const honest: Omit<FleetProxyOptions, "certificate"> = {
  scope: 0,
  envoyVersion: "1.40.0",
  nature: "honest",
  explains: true,
};

function fleetOf(count: number, more: Partial<FleetProxyOptions> = {}): { fleet: Fleet; proxies: FleetProxy[] } {
  const fleet = new Fleet();
  const proxies = Array.from({ length: count }, (_, at) =>
    fleet.connect({ ...honest, certificate: `cert-${at}`, ...more }),
  );
  return { fleet, proxies };
}

function clusterText(proxy: FleetProxy, name: string): string | undefined {
  const resource = proxy.held.get(typeUrls.cluster)?.get(name);
  return resource === undefined ? undefined : Buffer.from(resource.body).toString();
}

/** The virtual hosts that a proxy has, with the header of each that tells its content. */
function hosts(proxy: FleetProxy): string[] {
  const route = proxy.held.get(typeUrls.route)?.get(routeName);
  return (route?.fragments ?? []).map((part) =>
    Buffer.from(part.body)
      .toString()
      .replaceAll(/[^\w.-]+/g, " ")
      .trim(),
  );
}

describe("a cluster that proxies reject", () => {
  it("is set aside after the second rejection, and what was accepted stays; the next machine is not sent it", () => {
    const { fleet, proxies } = fleetOf(3);
    fleet.set(0, "a", { cluster: "one", host: "h" });
    fleet.set(0, "b", { cluster: "one", host: "h" });
    fleet.settle();
    fleet.set(0, "a", { cluster: "new-dislikes", host: "h" });
    fleet.set(0, "b", { cluster: "two", host: "h" });
    fleet.settle();
    const late = fleet.connect({ ...honest, certificate: "late" });
    fleet.settle();
    for (const proxy of [...proxies, late]) {
      assert.equal(clusterText(proxy, "a"), "a one");
      assert.equal(clusterText(proxy, "b"), "b two");
    }
    assert.deepEqual(late.badSeen, []);
    assert.equal(fleet.quarantine.substitutions.size, 1);
    fleet.quarantine.publish();
    const [[key = "", status] = []] = [...fleet.quarantine.statuses.entries()];
    assert.equal(key, "Kubernetes/networking.istio.io/ServiceEntry/shop/a");
    assert.match(
      status?.conditions[0]?.message ?? "",
      /Envoy 1\.40\.0 rejects cluster a: .*the last accepted version stays/,
    );
    fleet.set(0, "a", { cluster: "three", host: "h" });
    fleet.settle();
    for (const proxy of [...proxies, late]) assert.equal(clusterText(proxy, "a"), "a three");
    fleet.quarantine.publish();
    assert.equal(fleet.quarantine.statuses.size, 0);
  });
});

describe("a cluster that one proxy of two rejects", () => {
  it("stays with the others; the object says that one rejects it, as long as it does", () => {
    const { fleet, proxies } = fleetOf(1);
    const [honestProxy] = proxies;
    const hostile = fleet.connect({ ...honest, nature: "refuser", certificate: "hostile" });
    fleet.set(0, "a", { cluster: "one", host: "h" });
    fleet.settle();
    assert.equal(honestProxy === undefined ? undefined : clusterText(honestProxy, "a"), "a one");
    assert.equal(fleet.quarantine.substitutions.size, 0);
    fleet.quarantine.publish();
    const [status] = [...fleet.quarantine.statuses.values()];
    assert.equal(status?.conditions[0]?.reason, "RejectedBySome");
    assert.match(status?.conditions[0]?.message ?? "", /refused by 1 of 2 that have it: stream-2\.shop/);
    fleet.disconnect(hostile);
    fleet.quarantine.publish();
    assert.equal(fleet.quarantine.statuses.size, 0);
  });
});

describe("a proxy that was there first, alone, and rejects everything", () => {
  it("decides nothing for those who come later, and is offered no more than it was because of others", () => {
    const { fleet } = fleetOf(0);
    const hostile = fleet.connect({ ...honest, nature: "refuser", certificate: "hostile" });
    fleet.set(2, "a", { cluster: "one", host: "first" });
    fleet.settle();
    assert.equal(fleet.quarantine.substitutions.size, 2);
    fleet.connect({ ...honest, envoyVersion: "1.39.0", certificate: "another version" });
    fleet.settle();
    assert.equal(fleet.quarantine.substitutions.size, 2, "nothing is asked of it");
    for (const scope of [0, 1]) {
      const late = fleet.connect({ ...honest, scope, certificate: `late ${scope}` });
      fleet.settle();
      assert.equal(clusterText(late, "a"), "a one");
      assert.equal(hosts(late).length, 1);
    }
    assert.equal(fleet.quarantine.substitutions.size, 0);
    assert.equal(clusterText(hostile, "a"), undefined);
  });
});

describe("a virtual host that proxies reject", () => {
  for (const explains of [true, false]) {
    it(`is set aside, and its siblings flow (${explains ? "named" : "not named"} by the proxies)`, () => {
      const { fleet, proxies } = fleetOf(3, { explains });
      for (const name of ["a", "b", "c", "d", "e"]) fleet.set(0, `host-${name}`, { cluster: "one", host: "first" });
      fleet.settle();
      fleet.graph.batch(() => {
        for (const name of ["a", "b", "c", "d", "e"]) {
          const bad = name === "b" || name === "e";
          fleet.set(0, `host-${name}`, { cluster: "one", host: bad ? "new-dislikes" : "second" });
        }
      });
      assert.ok(fleet.settle() < 200);
      const late = fleet.connect({ ...honest, certificate: "late", explains });
      fleet.settle();
      for (const proxy of [...proxies, late]) {
        assert.deepEqual(
          hosts(proxy).map((text) => text.split(" ").at(-1)),
          ["second", "first", "second", "second", "first"],
        );
      }
      assert.deepEqual(late.badSeen, []);
      fleet.quarantine.publish();
      assert.deepEqual(
        [...fleet.quarantine.statuses.keys()].map((key) => key.split("/").at(-1)),
        ["host-b", "host-e"],
      );
    });
  }
});

describe("after the control plane was started anew", () => {
  it("a bad change that was made meanwhile takes nothing from those who hold what was before it", () => {
    const { fleet: first, proxies } = fleetOf(2);
    for (const name of ["a", "b"]) first.set(0, name, { cluster: "one", host: "first" });
    first.settle();
    const next = new Fleet();
    next.set(0, "a", { cluster: "new-dislikes", host: "new-dislikes" });
    next.set(0, "b", { cluster: "two", host: "second" });
    const back = proxies.map((proxy) => next.connect(proxy.options, proxy));
    next.settle();
    for (const proxy of back) {
      assert.equal(clusterText(proxy, "a"), "a one");
      assert.equal(clusterText(proxy, "b"), "b two");
      assert.deepEqual(
        hosts(proxy).map((text) => text.split(" ").at(-1)),
        ["second"],
        "nobody knows the virtual host that was",
      );
    }
    next.quarantine.publish();
    const [status] = [...next.quarantine.statuses.values()];
    assert.match(status?.conditions[0]?.message ?? "", /no accepted version is known/);
    const late = next.connect({ ...honest, certificate: "late" });
    next.settle();
    assert.deepEqual([late.badSeen, clusterText(late, "a")], [[], undefined]);
  });
});

describe("a machine that was the first to come back, with many certificates", () => {
  /** It rejects everything before others come: as one machine, or as two that it registered. */
  function hostileFirst(fleet: Fleet, machines: readonly string[]): void {
    for (const [at, machine] of machines.entries()) {
      const about = { machine, account: "shop", nature: "refuser", certificate: `hostile ${at}` } as const;
      fleet.connect({ ...honest, ...about });
    }
    fleet.set(0, "a", { cluster: "one", host: "first" });
    fleet.settle();
  }
  const late = { ...honest, account: "shop", machine: "late", certificate: "late" };

  it("takes nothing from those who come later", () => {
    const fleet = new Fleet();
    hostileFirst(fleet, ["m1", "m1", "m1"]);
    assert.equal(fleet.quarantine.substitutions.size, 2);
    const proxy = fleet.connect(late);
    fleet.settle();
    assert.equal(clusterText(proxy, "a"), "a one");
    assert.equal(hosts(proxy).length, 1);
  });

  it("takes nothing from those who hold it from before", () => {
    const { fleet: before, proxies } = fleetOf(1, late);
    before.set(0, "a", { cluster: "one", host: "first" });
    before.settle();
    const fleet = new Fleet();
    hostileFirst(fleet, ["m1", "m2"]);
    assert.equal(fleet.quarantine.substitutions.size, 2);
    const proxy = fleet.connect(late, proxies[0]);
    assert.equal(fleet.quarantine.substitutions.size, 0);
    fleet.settle();
    assert.equal(clusterText(proxy, "a"), "a one");
  });

  it("takes it for some minutes at most from those who never had it, also where it says to be two machines", async () => {
    const fleet = new Fleet();
    hostileFirst(fleet, ["m1", "m2"]);
    const proxy = fleet.connect(late);
    fleet.settle();
    assert.equal(clusterText(proxy, "a"), undefined);
    await fleet.clock.advance(restMs);
    fleet.settle();
    await fleet.clock.advance(trialMs);
    fleet.settle();
    assert.equal(clusterText(proxy, "a"), "a one");
    assert.equal(hosts(proxy).length, 1);
    assert.equal(fleet.quarantine.substitutions.size, 0);
  });
});

type Step =
  | {
      readonly do: "set";
      readonly where: number;
      readonly name: string;
      readonly cluster: string;
      readonly host: string;
    }
  | { readonly do: "delete"; readonly where: number; readonly name: string }
  | { readonly do: "connect"; readonly options: FleetProxyOptions }
  | { readonly do: "disconnect" | "reconnect"; readonly proxy: number }
  | { readonly do: "push" | "answer"; readonly proxy: number; readonly type: number };

const texts = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("one", "two", "three") },
  { weight: 1, arbitrary: fc.constantFrom(...Object.values(markers), Object.values(markers).join(" ")) },
);
const name = fc.constantFrom("host-a", "host-b", "host-c", "host-d");
const options: fc.Arbitrary<FleetProxyOptions> = fc.record({
  scope: fc.nat(1),
  envoyVersion: fc.constantFrom(...Object.keys(markers)),
  nature: fc.constant("honest" as const),
  explains: fc.boolean(),
  certificate: fc.integer({ min: 1, max: 8 }).map((number) => `cert-${number}`),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("set" as const), where: fc.nat(2), name, cluster: texts, host: texts }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), where: fc.nat(2), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("connect" as const), options }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("disconnect" as const, "reconnect" as const), proxy: fc.nat(9) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constantFrom("push" as const, "answer" as const),
      proxy: fc.nat(9),
      type: fc.nat(1),
    }),
  },
);

function play(fleet: Fleet, steps: readonly Step[]): void {
  const proxyAt = (index: number): FleetProxy | undefined => fleet.proxies[index % Math.max(1, fleet.proxies.length)];
  for (const one of steps) {
    if (one.do === "set") fleet.set(one.where, one.name, { cluster: one.cluster, host: one.host });
    else if (one.do === "delete") fleet.set(one.where, one.name, undefined);
    else if (one.do === "connect") fleet.connect(one.options);
    else {
      const proxy = proxyAt(one.proxy);
      if (proxy === undefined) continue;
      if (one.do === "push") fleet.push(proxy, one.type === 0 ? typeUrls.cluster : typeUrls.route);
      else if (one.do === "answer") fleet.answer(proxy, one.type);
      else {
        fleet.disconnect(proxy);
        if (one.do === "reconnect") fleet.connect(proxy.options, proxy);
      }
    }
  }
}

/** What a proxy must have in the end: all that is good for it, in the newest version. */
function checkHeld(fleet: Fleet, proxy: FleetProxy): void {
  const made = fleet.scopes[proxy.options.scope];
  const clusters = proxy.held.get(typeUrls.cluster);
  for (const resource of made?.clusters.values() ?? []) {
    const held = clusters?.get(resource.name);
    if (!proxy.dislikes(resource)) assert.equal(held?.version, resource.version, `${proxy.id} lacks ${resource.name}`);
    else if (held !== undefined) assert.ok(!proxy.dislikes(held), "it holds what it rejects");
  }
  for (const key of clusters?.keys() ?? []) assert.ok(made?.clusters.has(key), `${key} is gone`);
  const parts = new Map(
    (proxy.held.get(typeUrls.route)?.get(routeName)?.fragments ?? []).map((part) => [part.name, part]),
  );
  for (const part of made?.routes.get(routeName)?.fragments ?? []) {
    const held = parts.get(part.name);
    if (!proxy.dislikes(part)) assert.equal(held?.version, part.version, `${proxy.id} lacks virtual host ${part.name}`);
    else if (held !== undefined) assert.ok(!proxy.dislikes(held), "it holds what it rejects");
    parts.delete(part.name);
  }
  assert.deepEqual([...parts.keys()], [], "virtual hosts that are gone");
}

/** What one party alone rejected is offered again while the search that convicted it goes on. */
const offeredAgainInMidSearch: Step[] = (() => {
  const proxy = { scope: 1, envoyVersion: "1.39.0", nature: "honest", explains: false } as const;
  const bad = { do: "set", where: 1, cluster: "one", host: "old-dislikes" } as const;
  const push = { do: "push", proxy: 0, type: 1 } as const;
  const answer = { do: "answer", proxy: 0, type: 0 } as const;
  return [
    { ...bad, name: "host-a" },
    { do: "connect", options: { ...proxy, certificate: "cert-1" } },
    { ...bad, name: "host-d" },
    ...[push, answer, push, answer],
    { do: "connect", options: { ...proxy, certificate: "cert-2" } },
  ];
})();

describe("any history of changes, rejections, connections and lost streams", () => {
  it("ends with every proxy holding the newest of what it accepts", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const fleet = new Fleet();
        play(fleet, steps);
        assert.ok(fleet.settle() < 2_000, "it never comes to rest");
        for (const proxy of fleet.proxies) checkHeld(fleet, proxy);
        // One party's word is asked of one more; after that nobody is sent what is bad for it.
        for (const envoyVersion of Object.keys(markers)) {
          for (const scope of [0, 1]) {
            const certificates = new Set(
              fleet.proxies
                .filter((proxy) => proxy.options.envoyVersion === envoyVersion && proxy.options.scope === scope)
                .map((proxy) => proxy.options.certificate),
            );
            if (certificates.size < 2) continue;
            fleet.connect({ ...honest, scope, envoyVersion, certificate: "second" });
            assert.ok(fleet.settle() < 2_000);
            const late = fleet.connect({ ...honest, scope, envoyVersion, certificate: "late" });
            assert.ok(fleet.settle() < 2_000);
            checkHeld(fleet, late);
            assert.deepEqual(late.badSeen, [], "it was sent what others of its version reject");
          }
        }
        for (const proxy of [...fleet.proxies]) fleet.disconnect(proxy);
        assert.equal(fleet.scopes[0]?.clusters.observers, 0);
      }),
      { numRuns: 300, examples: [[offeredAgainInMidSearch]] },
    );
  });

  it("is the same for the others where one proxy rejects everything", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), options, (steps, hostile) => {
        const fleet = new Fleet();
        for (const [at, envoyVersion] of Object.keys(markers).entries()) {
          for (const scope of [0, 1])
            fleet.connect({ ...honest, scope, envoyVersion, certificate: `first-${at}-${scope}` });
        }
        fleet.connect({ ...hostile, nature: "refuser", certificate: "hostile" });
        play(
          fleet,
          steps.filter((one) => one.do !== "disconnect" && one.do !== "reconnect"),
        );
        assert.ok(fleet.settle() < 4_000, "it never comes to rest");
        for (const proxy of fleet.proxies) if (proxy.options.nature === "honest") checkHeld(fleet, proxy);
      }),
      { numRuns: 200 },
    );
  });
});
