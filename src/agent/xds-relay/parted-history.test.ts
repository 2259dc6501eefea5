import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { routePartsCapability } from "../../xds/capability.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { FakeResource } from "./control-plane.fake.ts";
import { FakeEnvoy } from "./envoy.fake.ts";
import { partsOfRoute, wholeRoute } from "./parted-table.fake.ts";
import { fakeRelay, rebootedRelay } from "./relay.fake.ts";
import { orderHoldMs } from "./send-order.ts";
import { SubscriptionServer } from "./subscription-server.fake.ts";

const { route, routePart } = typeUrls;
const names = ["80", "8080"];
const hosts = ["ax", "by", "az"];
/** BAD is refused by Envoy. */
const domains = ["a.example", "b.example", "BAD.example"];

type Step =
  | { do: "set"; name: string; host: string; domain: string }
  | { do: "drop"; name: string; host: string }
  | { do: "clear"; name: string }
  | { do: "connect"; parts: boolean | undefined; limitBytes: number }
  | { do: "ask" | "unask"; name: string }
  | { do: "cut" | "hear" | "push" | "deliver" | "settle" }
  | { do: "hold" | "release" | "restart" | "reconnect" | "reboot" | "wait" };

const name = fc.constantFrom(...names);
const host = fc.constantFrom(...hosts);
const connect = fc.record({
  do: fc.constant("connect" as const),
  parts: fc.constantFrom(true, true, true, false, undefined),
  // Each part by itself, or all at once.
  limitBytes: fc.constantFrom(1, 400, 1 << 20),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("set" as const), name, host, domain: fc.constantFrom(...domains) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("drop" as const), name, host }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("ask", "unask"), name }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("hear", "push", "deliver", "settle") }) },
  { weight: 1, arbitrary: connect },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("cut", "hold", "release", "restart", "reconnect", "reboot", "wait"),
    }),
  },
);

class World {
  readonly server = new SubscriptionServer();
  readonly routes = new Map<string, Record<string, string>>();
  machine = fakeRelay();
  envoy: FakeEnvoy;
  holding = false;
  asked = new Set(names);

  constructor() {
    this.connect(true, 1 << 20);
    this.envoy = this.startEnvoy();
  }

  connect(parts: boolean | undefined, limitBytes: number): void {
    if (this.server.connected) return;
    this.server.limitBytes = limitBytes;
    const capabilities = parts === undefined ? undefined : parts ? [routePartsCapability] : [];
    this.server.connect((send) => this.machine.relay.openUpstream(send), capabilities);
  }

  startEnvoy(heir?: FakeEnvoy): FakeEnvoy {
    const proxy = new FakeEnvoy((call) => this.machine.relay.acceptEnvoy(call), {
      holds: () => this.holding,
      refuse: (name, body) => (body.includes("BAD") ? `${name} is bad` : undefined),
    });
    for (const type of [typeUrls.cluster, typeUrls.listener]) proxy.subscribe(type, []);
    const held = heir?.inForce(route) ?? {};
    for (const [name, version] of Object.entries(held)) proxy.applied.set(`${route} ${name}`, version);
    if (this.asked.size > 0) proxy.subscribe(route, [...this.asked], held);
    return proxy;
  }

  /** Everything that one change is for the control plane. */
  publish(name: string): void {
    const content = this.routes.get(name);
    const parts = content === undefined ? [] : partsOfRoute(name, content);
    this.replace(routePart, parts, (other) => other === name || other.startsWith(`${name}/`));
    this.replace(route, content === undefined ? [] : [wholeRoute(name, content)], (other) => other === name);
  }

  private replace(typeUrl: string, resources: FakeResource[], concerns: (name: string) => boolean): void {
    const table = this.server.table(typeUrl);
    const kept = new Set(resources.map(({ name }) => name));
    const gone = [...table.values()].filter(({ name }) => concerns(name) && !kept.has(name));
    for (const { name } of gone) table.delete(name);
    for (const { name, version, body } of resources) table.set(name, version, body);
  }

  reboot(): void {
    this.server.disconnect();
    this.envoy.disconnect();
    this.machine = rebootedRelay(this.machine.relay, [route, routePart]);
    this.envoy = this.startEnvoy();
  }

  async act(action: Step): Promise<void> {
    switch (action.do) {
      case "set":
        this.routes.set(action.name, { ...this.routes.get(action.name), [action.host]: action.domain });
        this.publish(action.name);
        break;
      case "drop": {
        const { [action.host]: _, ...rest } = this.routes.get(action.name) ?? {};
        if (this.routes.has(action.name)) this.routes.set(action.name, rest);
        this.publish(action.name);
        break;
      }
      case "clear":
        this.routes.delete(action.name);
        this.publish(action.name);
        break;
      case "connect":
        this.server.disconnect();
        this.connect(action.parts, action.limitBytes);
        break;
      case "cut":
        this.server.disconnect();
        break;
      case "ask":
      case "unask": {
        const isAsked = action.do === "ask";
        if (this.asked.has(action.name) === isAsked) break;
        if (isAsked) this.asked.add(action.name);
        else this.asked.delete(action.name);
        if (isAsked) this.envoy.subscribe(route, [action.name]);
        else {
          this.envoy.unsubscribe(route, [action.name]);
          this.envoy.applied.delete(`${route} ${action.name}`);
        }
        break;
      }
      case "hear":
      case "push":
      case "deliver":
        this.server[action.do]();
        break;
      case "settle":
        this.server.settle();
        break;
      case "hold":
        this.holding = true;
        break;
      case "release":
        this.holding = false;
        this.envoy.release();
        break;
      case "restart":
      case "reconnect": {
        const before = this.envoy;
        before.disconnect();
        this.envoy = this.startEnvoy(action.do === "reconnect" ? before : undefined);
        break;
      }
      case "reboot":
        this.reboot();
        break;
      case "wait":
        await this.machine.clock.advance(orderHoldMs);
    }
  }

  async rest(parts: boolean): Promise<void> {
    this.holding = false;
    this.connect(parts, 400);
    for (let round = 0; round < 4; round += 1) {
      this.envoy.release();
      this.server.settle();
      await this.machine.clock.advance(orderHoldMs);
    }
    this.server.settle();
  }

  check(): void {
    const { server, machine } = this;
    const inForce = this.envoy.inForce(route);
    for (const typeUrl of [route, routePart]) assert.ok(server.settled(typeUrl), `${typeUrl} is settled`);
    const refused = [...server.refused(route), ...server.refused(routePart)];
    assert.deepEqual(server.names(routePart), []);
    assert.deepEqual(server.names(route).sort(), [...machine.relay.wanted(route).names].sort());
    for (const name of this.asked) {
      const content = this.routes.get(name);
      const what = `${name} ${JSON.stringify(content)}`;
      if (content === undefined) {
        assert.equal(inForce[name], undefined, what);
        continue;
      }
      const whole = wholeRoute(name, content);
      const isBad = Object.values(content).some((domain) => domain.startsWith("BAD"));
      assert.equal(inForce[name] === whole.version, !isBad, what);
      assert.equal(refused.includes(name), isBad, `${what}: refused are ${refused}`);
      const cached = machine.relay.cacheOf(route).get(name);
      if (!isBad) assert.ok(cached !== undefined && Buffer.compare(cached.body, whole.body) === 0, what);
    }
  }
}

test("whichever way routes come, in whatever order, Envoy ends with the same bytes, and what it refuses is known", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50, size: "max" }), fc.boolean(), async (steps, parts) => {
      const world = new World();
      for (const action of steps) await world.act(action);
      await world.rest(parts);
      world.check();
      // Nothing is wrong any more, and the other way is taken.
      for (const name of names) {
        world.routes.set(name, { by: "c.example" });
        world.publish(name);
      }
      await world.rest(parts);
      world.check();
      world.server.disconnect();
      const sent = world.envoy.responses.length;
      await world.rest(!parts);
      world.check();
      assert.equal(world.envoy.responses.length, sent, "going over to the other way sends nothing");
      world.machine.relay.stop();
    }),
    { numRuns: 500 },
  );
});
