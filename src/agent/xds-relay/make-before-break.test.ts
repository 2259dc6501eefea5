import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../kernel/bytes.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { EagerControlPlane } from "./eager-control-plane.fake.ts";
import { edsCluster, fakeRelay } from "./relay.fake.ts";
import { orderHoldMs } from "./send-order.ts";
import { longestTurnMs } from "./update-pace.ts";
import { WarmingEnvoy } from "./warming-envoy.fake.ts";

const { cluster, endpoint, route } = typeUrls;
const ways = ["take", "ask", "hear", "push", "deliver"] as const;
type Way = (typeof ways)[number];
const routes = ["r1", "r2"];
const clusters = ["<a>", "<b>", "<c>"];

type Step =
  | { do: "route"; route: string; to: string[] }
  | { do: "cluster" | "endpoints" | "empty" | "spare"; name: string }
  | { do: "flow"; without: Way[] }
  | { do: Way | "wait" };

const name = fc.constantFrom(...clusters);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("route" as const),
      route: fc.constantFrom(...routes),
      to: fc.uniqueArray(name, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("cluster", "endpoints", "empty", "spare"), name }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom(...ways) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("flow" as const),
      without: fc.uniqueArray(fc.constantFrom(...ways), { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const) }) },
);

/** Slow in every part: each message goes on when the test says so. */
class World {
  readonly machine = fakeRelay();
  readonly server = new EagerControlPlane((send) => this.machine.relay.openUpstream(send));
  readonly envoy = new WarmingEnvoy((call) => this.machine.relay.acceptEnvoy(call), routes);
  /** Clusters that routes lead to, as they were written. */
  private readonly written = new Map<string, string[]>();
  private readonly spares = new Set<string>();
  private versions = 0;
  private waitedMs = 0;

  async act(action: Step): Promise<void> {
    if (action.do === "route") this.write(action.route, action.to);
    else if (action.do === "cluster") {
      if (this.server.table(cluster).get(action.name) !== undefined) this.setCluster(action.name);
    } else if (action.do === "endpoints") {
      if (this.server.table(endpoint).get(action.name) !== undefined) this.setEndpoints(action.name, "some");
    } else if (action.do === "empty") this.empty(action.name);
    else if (action.do === "spare") {
      if (this.isFree(action.name)) this.spares.add(action.name);
      this.provide();
    } else if (action.do === "wait") await this.wait(1_500);
    else if (action.do === "flow") this.flow(action.without);
    else this.carry(action.do);
    this.check();
  }

  /** Carries messages until none is left but those that wait for what is left out. */
  flow(without: readonly Way[] = []): void {
    for (let rounds = 0, busy = true; busy; rounds += 1) {
      assert.ok(rounds < 5_000, "it never comes to rest");
      busy = false;
      for (const way of ways) {
        if (without.includes(way)) continue;
        busy = this.carry(way) || busy;
        this.check();
      }
    }
  }

  /** Routes rest between updates. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) {
      this.flow();
      await this.machine.clock.advance(longestTurnMs);
    }
    this.flow();
  }

  /** As long as nothing may have been waited for in vain. */
  private async wait(ms: number): Promise<void> {
    this.waitedMs += ms;
    if (this.waitedMs < orderHoldMs) await this.machine.clock.advance(ms);
  }

  private carry(way: Way): boolean {
    if (way === "ask") return this.envoy.ask();
    return way === "take" ? this.envoy.take() : this.server[way]();
  }

  /** What must hold at every moment. */
  private check(): void {
    for (const [name, text] of this.envoy.routes) {
      for (const to of text.split(" ")) {
        const endpoints = this.envoy.active.get(to);
        assert.notEqual(endpoints, undefined, `${name} leads to ${to}, which is not there`);
        assert.notEqual(endpoints, "", `${name} leads to ${to}, which has no endpoints`);
      }
    }
  }

  private write(route: string, to: string[]): void {
    this.written.set(route, to);
    this.provide();
  }

  /** Makes the tables what the routes and spares ask for, in no helpful order. */
  private provide(): void {
    const used = new Set([...this.written.values()].flat());
    for (const [name, to] of this.written) {
      const text = to.join(" ");
      const known = this.server.table(route).get(name);
      if (known === undefined || new TextDecoder().decode(known.body) !== text) {
        this.server.table(route).set(name, this.version(), utf8(text));
      }
    }
    for (const name of clusters) {
      if (!used.has(name) && !this.spares.has(name)) {
        this.server.table(endpoint).delete(name);
        this.server.table(cluster).delete(name);
        continue;
      }
      if (this.server.table(cluster).get(name) === undefined) this.setCluster(name);
      const text = used.has(name) ? "some" : "";
      const known = this.server.table(endpoint).get(name);
      if (known === undefined || (used.has(name) && known.body.length === 0)) this.setEndpoints(name, text);
    }
  }

  /** Endpoints go once no route leads there any more, in Envoy as well; and with them what was kept without a route. */
  private empty(name: string): void {
    if (!this.isFree(name)) return;
    if (this.server.table(endpoint).get(name) !== undefined) this.setEndpoints(name, "");
    if (this.spares.delete(name)) this.provide();
  }

  /** True where Envoy has the routes as they are, by version: one of the same text may have another on the way after it. */
  private isFree(name: string): boolean {
    const isCurrent = routes.every(
      (each) => this.envoy.routeVersions.get(each) === this.server.table(route).get(each)?.version,
    );
    return isCurrent && ![...this.written.values()].flat().includes(name);
  }

  private setCluster(name: string): void {
    const { version, body } = edsCluster(name, this.version());
    this.server.table(cluster).set(name, version, body);
  }

  private setEndpoints(name: string, text: string): void {
    this.server.table(endpoint).set(name, this.version(), utf8(text));
  }

  private version(): string {
    this.versions += 1;
    return `${this.versions}`;
  }

  end(): void {
    for (const [name, to] of this.written) assert.equal(this.envoy.routes.get(name), to.join(" "));
    const there = [...this.server.table(cluster).values()].map(({ name: each }) => each);
    assert.deepEqual([...this.envoy.active.keys()].sort(), there.sort());
    for (const each of there) {
      const text = new TextDecoder().decode(this.server.table(endpoint).get(each)?.body);
      assert.equal(this.envoy.active.get(each), text);
    }
    this.machine.relay.stop();
  }
}

test("however slow each part is, no route that Envoy has leads to a cluster that is not there or has no endpoints", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const world = new World();
      for (const action of steps) await world.act(action);
      await world.rest();
      world.end();
    }),
    { numRuns: 1_000 },
  );
});
