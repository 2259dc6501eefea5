import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { typeUrls } from "../../xds/type-url.ts";
import { FakeEnvoy } from "./envoy.fake.ts";
import { edsCluster, fakeRelay, rebootedRelay, textResource } from "./relay.fake.ts";
import { orderHoldMs } from "./send-order.ts";
import { SubscriptionServer } from "./subscription-server.fake.ts";
import { absenceMs } from "./xds-relay.ts";

const { cluster, endpoint, listener, route } = typeUrls;
const types = [cluster, endpoint, listener, route];
const names = ["a", "b", "c"];
/** CLASH is refused while "b" is in force, PICKY by every second Envoy. */
const kinds = ["good", "BAD", "CLASH", "PICKY"] as const;

type Step =
  | { do: "set"; type: string; name: string; kind: (typeof kinds)[number]; version: number }
  | { do: "remove"; type: string; name: string }
  | { do: "cut" | "connect" | "hear" | "push" | "deliver" | "settle" }
  | { do: "hold" | "release" | "leave" | "restart" | "reconnect" | "reboot" | "wait" | "waitLong" };

const type = fc.constantFrom(...types);
const name = fc.constantFrom(...names);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    // Few versions, so that a refused one also comes back.
    arbitrary: fc.record({
      do: fc.constant("set" as const),
      type,
      name,
      kind: fc.constantFrom(...kinds),
      version: fc.nat(1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("remove" as const), type, name }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("hear", "push", "deliver", "settle") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("cut", "connect") }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("hold", "release", "leave", "restart", "reconnect", "reboot", "wait", "waitLong"),
    }),
  },
);

class World {
  readonly server = new SubscriptionServer();
  machine = fakeRelay();
  envoy: FakeEnvoy | undefined;
  holding = false;
  private generation = 0;

  connect(): void {
    if (!this.server.connected) this.server.connect((send) => this.machine.relay.openUpstream(send));
  }

  /** A new Envoy; one that lost only its stream says what it has. */
  startEnvoy(heir?: FakeEnvoy): void {
    if (heir === undefined) this.generation += 1;
    const { generation } = this;
    const proxy: FakeEnvoy = new FakeEnvoy((call) => this.machine.relay.acceptEnvoy(call), {
      holds: () => this.holding,
      refuse: (name, body) => {
        if (body.startsWith("BAD")) return `${name} is bad`;
        if (body.startsWith("PICKY") && generation % 2 === 1) return "not by this one";
        const [version = "", type = ""] = body.split(" ");
        const inForce = proxy.inForce(type);
        // What it has it does not refuse.
        const clashes = version.startsWith("CLASH") && name !== "b" && inForce[name] !== version;
        return clashes && inForce["b"] !== undefined ? "b is in the way" : undefined;
      },
    });
    this.envoy = proxy;
    for (const typeUrl of types) {
      const held = heir?.inForce(typeUrl) ?? {};
      for (const [name, version] of Object.entries(held)) proxy.applied.set(`${typeUrl} ${name}`, version);
      proxy.subscribe(typeUrl, typeUrl === cluster || typeUrl === listener ? [] : names, held);
    }
  }

  stopEnvoy(): void {
    this.envoy?.disconnect();
    this.envoy = undefined;
  }

  /** The agent starts anew with what its disk has. */
  reboot(): void {
    this.server.disconnect();
    this.stopEnvoy();
    this.machine = rebootedRelay(this.machine.relay, types);
    this.connect();
    this.startEnvoy();
  }

  async act(action: Step): Promise<void> {
    const { server } = this;
    switch (action.do) {
      case "set": {
        const { type, name, kind, version } = action;
        const stated = `${kind}${version}`;
        const isCluster = type === cluster && kind === "good";
        const { body } = isCluster ? edsCluster(name, stated) : textResource(name, stated, `${stated} ${type}`);
        server.table(type).set(name, stated, body);
        break;
      }
      case "remove":
        server.table(action.type).delete(action.name);
        break;
      case "cut":
        server.disconnect();
        break;
      case "connect":
        this.connect();
        break;
      case "hear":
      case "push":
      case "deliver":
        server[action.do]();
        break;
      case "settle":
        this.server.settle();
        break;
      case "hold":
        this.holding = true;
        break;
      case "release":
        this.holding = false;
        this.envoy?.release();
        break;
      case "leave":
        this.stopEnvoy();
        break;
      case "restart":
        this.stopEnvoy();
        this.startEnvoy();
        break;
      case "reconnect": {
        const before = this.envoy;
        this.stopEnvoy();
        this.startEnvoy(before);
        break;
      }
      case "reboot":
        this.reboot();
        break;
      case "wait":
        await this.machine.clock.advance(orderHoldMs);
        break;
      case "waitLong":
        await this.machine.clock.advance(absenceMs);
    }
  }

  /** Everything is there, and nothing more happens. */
  async rest(): Promise<void> {
    this.holding = false;
    this.connect();
    if (this.envoy === undefined) this.startEnvoy();
    for (let round = 0; round < 4; round += 1) {
      this.envoy?.release();
      this.server.settle();
      await this.machine.clock.advance(orderHoldMs);
    }
    this.server.settle();
  }

  check(typeUrl: string): void {
    const inForce = this.envoy?.inForce(typeUrl) ?? {};
    const refused = this.server.refused(typeUrl);
    assert.equal(this.server.settled(typeUrl), true, `${typeUrl} is settled`);
    const asked = [...this.machine.relay.wanted(typeUrl).names];
    assert.deepEqual(this.server.names(typeUrl).sort(), asked.sort(), `${typeUrl}: nothing more is asked for`);
    for (const name of names) {
      const wanted = this.server.table(typeUrl).get(name)?.version;
      const what = `${typeUrl} ${name} ${wanted}`;
      if (wanted === undefined && typeUrl === endpoint) continue; // Envoy keeps it until it ceases to ask for it
      if (wanted === undefined) assert.equal(inForce[name], undefined, `${what} was removed`);
      if (wanted?.startsWith("good")) assert.equal(inForce[name], wanted, what);
      if (wanted?.startsWith("BAD")) assert.notEqual(inForce[name], wanted, what);
      assert.equal(refused.includes(name), inForce[name] !== wanted, `${what}: in force is ${inForce[name]}`);
    }
  }
}

test("whatever happens in whatever order, each resource is in force or known to be refused, never neither, never both", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50, size: "max" }), async (steps) => {
      const world = new World();
      world.connect();
      world.startEnvoy();
      for (const action of steps) await world.act(action);
      await world.rest();
      for (const typeUrl of types) world.check(typeUrl);
      // What was in the way goes.
      const going = types.filter((typeUrl) => typeUrl !== endpoint);
      const freed = going.filter((typeUrl) => world.envoy?.inForce(typeUrl)["b"] !== undefined);
      for (const typeUrl of types) world.server.table(typeUrl).delete("b");
      await world.rest();
      for (const typeUrl of types) world.check(typeUrl);
      for (const typeUrl of freed) {
        const clashing = [...world.server.table(typeUrl).values()].filter(({ version }) => version.startsWith("CLASH"));
        for (const { name, version } of clashing) assert.equal(world.envoy?.inForce(typeUrl)[name], version);
      }
      world.machine.relay.stop();
    }),
    { numRuns: 1_000 },
  );
});
