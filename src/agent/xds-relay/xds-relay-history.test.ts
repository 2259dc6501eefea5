import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { typeUrls } from "../../xds/type-url.ts";
import { FakeControlPlane, type FakeResource } from "./control-plane.fake.ts";
import { FakeEnvoy } from "./envoy.fake.ts";
import { edsCluster, fakeRelay, textResource } from "./relay.fake.ts";
import { orderHoldMs } from "./send-order.ts";

const { cluster, endpoint, listener, route } = typeUrls;
const types = [cluster, endpoint, listener, route];
const names = ["a", "b"];

type Step =
  | { do: "set"; type: number; name: number; bad: boolean }
  | { do: "remove"; type: number; name: number }
  | { do: "cut" | "connect" | "hold" | "release" | "restart" | "reconnect" | "wait" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("set" as const),
      type: fc.nat(3),
      name: fc.nat(1),
      bad: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), type: fc.nat(3), name: fc.nat(1) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("cut", "connect", "hold", "release", "restart", "reconnect", "wait"),
    }),
  },
);

test("whatever happens in whatever order, Envoy ends with what the control plane has, and never with a bad resource", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const { relay, clock } = fakeRelay();
      const control = new FakeControlPlane();
      let connected = false;
      let holding = false;
      let version = 0;
      const connect = () => {
        if (!connected) control.connect((send) => relay.openUpstream(send));
        connected = true;
      };
      const startEnvoy = (held?: FakeEnvoy) => {
        const proxy = new FakeEnvoy((call) => relay.acceptEnvoy(call), {
          holds: () => holding,
          refuse: (_, body) => (body.includes("BAD") ? "bad" : undefined),
        });
        for (const type of types) {
          const versions = held?.inForce(type) ?? {};
          for (const [name, value] of Object.entries(versions)) proxy.applied.set(`${type} ${name}`, value);
          proxy.subscribe(type, type === cluster || type === listener ? [] : names, versions);
        }
        return proxy;
      };
      connect();
      let proxy = startEnvoy();
      for (const action of steps) {
        if (action.do === "set") {
          version += 1;
          const name = names[action.name] ?? "";
          const type = types[action.type] ?? "";
          const good = action.bad === false;
          const resource: FakeResource =
            type === cluster && good
              ? edsCluster(name, `${version}`)
              : textResource(name, `${version}`, good ? "good" : "BAD");
          control.set(type, [resource]);
        } else if (action.do === "remove") control.set(types[action.type] ?? "", [], [names[action.name] ?? ""]);
        else if (action.do === "cut") {
          if (connected) control.disconnect();
          connected = false;
        } else if (action.do === "connect") connect();
        else if (action.do === "hold") holding = true;
        else if (action.do === "release") {
          holding = false;
          proxy.release();
        } else if (action.do === "wait") await clock.advance(orderHoldMs);
        else {
          proxy.disconnect();
          proxy = startEnvoy(action.do === "reconnect" ? proxy : undefined);
        }
      }
      holding = false;
      connect();
      for (let round = 0; round < 4; round += 1) {
        proxy.release();
        await clock.advance(orderHoldMs);
      }
      for (const type of types) {
        const inForce = proxy.inForce(type);
        for (const name of names) {
          const wanted = control.resources.get(type)?.get(name);
          // Envoy keeps a load assignment until it ceases to ask for it.
          if (wanted === undefined && type === endpoint) continue;
          if (wanted === undefined) assert.equal(inForce[name], undefined, `${type} ${name} was removed`);
          else if (new TextDecoder().decode(wanted.body) !== "BAD") assert.equal(inForce[name], wanted.version);
          else assert.notEqual(inForce[name], wanted.version, `${type} ${name} is bad`);
          const best = relay.cacheOf(type).get(name);
          if (best !== undefined) assert.equal(inForce[name], best.version, `${type} ${name}: the best that is known`);
        }
      }
      // Every response got exactly one answer, or its stream was cut.
      const nonces = control.requests.map(({ responseNonce }) => responseNonce).filter((nonce) => nonce !== "");
      assert.equal(new Set(nonces).size, nonces.length);
      relay.stop();
    }),
    { numRuns: 1_000 },
  );
});
