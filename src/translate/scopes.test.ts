import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Config, formatConfigKey } from "../config/object.ts";
import { FakeClock } from "../kernel/clock.fake.ts";
import { Slices } from "../kernel/slices.ts";
import { defaultMeshSettings } from "../model/mesh-settings.ts";
import { formatConfigRef } from "../xds/config-ref.ts";
import type { ClientView } from "../xds/generator.ts";
import { typeUrls } from "../xds/type-url.ts";
import { InternedResources } from "./interned.ts";
import { MeshGenerator } from "./mesh-generator.ts";
import { MeshRig, type RigProxy } from "./mesh-rig.fake.ts";
import { randomConfig } from "./random-mesh.fake.ts";
import { namespaces } from "./random-names.fake.ts";
import { Scopes } from "./scopes.ts";

const types = [
  typeUrls.cluster,
  typeUrls.endpoint,
  typeUrls.listener,
  typeUrls.route,
  typeUrls.routePart,
  typeUrls.nameTable,
];

/** Callers of every namespace that has objects, of one that has none, and of each kind of label and machine. */
const callers: RigProxy[] = [...namespaces, "bank"].flatMap((namespace, at) =>
  [{}, { dnsCapture: false }, { labels: { app: "web" } }, { labels: { app: "api", tier: "gold" } }].map(
    (more, kind) => ({
      ...{ name: `p-${kind}`, namespace, ip: `198.18.${at}.${kind + 100}` },
      ...more,
    }),
  ),
);

function contentsOf(view: ClientView): string[] {
  return types.flatMap((type) =>
    [...view.resources(type).values()]
      .map(({ name, version, body, sources, needs }) =>
        [
          type,
          name,
          version,
          Buffer.from(body).toString("base64"),
          sources.map(formatConfigRef).sort(),
          JSON.stringify(needs),
        ].join(" "),
      )
      .sort(),
  );
}

/** A batch of objects that are written, or taken away where they are there already and the number is odd. */
const batches = fc.array(fc.array(fc.tuple(randomConfig, fc.nat(3)), { minLength: 1, maxLength: 5 }), {
  minLength: 1,
  maxLength: 8,
});

function write(rig: MeshRig, batch: readonly (readonly [Config, number])[]): void {
  rig.graph.batch(() => {
    for (const [config, number] of batch) {
      const key = formatConfigKey(config.key);
      if (number === 1 && rig.configs.has(key)) rig.configs.delete(key);
      else rig.put(config);
    }
    for (const key of rig.mesh.services.keys()) {
      const at = [...rig.mesh.services.keys()].indexOf(key) + 1;
      rig.autoAddresses.set(key, { v4: `240.240.0.${at}`, v6: `2001:2::${at}` });
    }
  });
}

test("a scope that is a layer over others has what a view of its own has, after any history", () => {
  fc.assert(
    fc.property(batches, fc.nat(7), fc.nat(2), (history, late, alone) => {
      const rig = new MeshRig(defaultMeshSettings, undefined, undefined, { alone });
      const views = new Map<RigProxy, ClientView>();
      const open = (caller: RigProxy): unknown => views.set(caller, rig.open(caller));
      for (const [at, batch] of history.entries()) {
        if (at === late) callers.forEach(open);
        write(rig, batch);
      }
      for (const caller of callers) if (!views.has(caller)) open(caller);
      const whole = new MeshGenerator(rig.mesh, rig.graph, { alone: Number.POSITIVE_INFINITY });
      for (const [caller, view] of views) {
        const expected = whole.open(rig.clientOf(caller));
        assert.deepEqual(contentsOf(view), contentsOf(expected), `${caller.name} of ${caller.namespace}`);
        expected.close();
      }
      for (const view of views.values()) view.close();
      assert.equal(rig.mesh.services.size, [...rig.mesh.services.keys()].length);
      assert.equal(rig.generator.counts.scopes, 0);
    }),
    { numRuns: 45 },
  );
});

function meshOfServices(count: number, namespaceOf: (index: number) => string, alone = 0): MeshRig {
  const rig = new MeshRig(defaultMeshSettings, undefined, undefined, { alone });
  rig.graph.batch(() => {
    for (let index = 0; index < count; index++) writeService(rig, index, namespaceOf(index), "10.0.0.1");
  });
  return rig;
}

function writeService(rig: MeshRig, index: number, namespace: string, address: string, port = 8080): void {
  const name = `svc-${index}`;
  put(rig, "ServiceEntry", namespace, name, {
    hosts: [`${name}.${namespace}.svc.cluster.local`],
    ports: [{ number: port, name: "http", protocol: "HTTP" }],
    resolution: "STATIC",
    endpoints: [{ address }],
  });
}

function put(rig: MeshRig, kind: string, namespace: string, name: string, spec: object): void {
  const key = { source: "files", group: "networking.istio.io", kind, namespace, name };
  rig.put({ key, meta: { name, namespace }, spec });
}

test("what is the same for two namespaces are the very same resources", () => {
  const rig = meshOfServices(40, (index) => `team-${index % 4}`);
  const [first, second, owner] = ["guest-1", "guest-2", "team-1"].map((namespace, at) =>
    rig.open({ name: "p", namespace, ip: `198.18.0.${at + 1}` }),
  ) as [ClientView, ClientView, ClientView];
  const alike = (a: ClientView, b: ClientView): string[] =>
    types.map((type) => {
      const other = b.resources(type);
      const all = [...a.resources(type).values()];
      const shared = all.filter((resource) => other.get(resource.name) === resource);
      return `${type.slice(type.lastIndexOf(".") + 1)} ${shared.length} of ${all.length}`;
    });
  writeService(rig, 7, "team-3", "10.0.0.2");
  // The listener for what comes in is each machine's own.
  assert.deepEqual(alike(first, second), [
    ...["Cluster 43 of 43", "ClusterLoadAssignment 40 of 40", "Listener 2 of 3"],
    ...["RouteConfiguration 1 of 1", "RoutePart 42 of 42", "NameTable 1 of 1"],
  ]);
  // Its own ten services have short names for it.
  assert.deepEqual(alike(owner, first), [
    ...["Cluster 43 of 43", "ClusterLoadAssignment 40 of 40", "Listener 2 of 3"],
    ...["RouteConfiguration 0 of 1", "RoutePart 31 of 42", "NameTable 1 of 1"],
  ]);
});

test("callers that a rule chooses have all but what the rule says in common with others, in a namespace with a view of its own too", () => {
  for (const alone of [0, 1]) {
    const rig = meshOfServices(40, () => "team-1", alone);
    put(rig, "VirtualService", "team-1", "one", {
      hosts: ["svc-7"],
      http: [{ match: [{ sourceLabels: { app: "web" } }], directResponse: { status: 204 } }],
    });
    const [plain, chosen] = [{}, { app: "web" }].map((labels, at) =>
      rig.open({ name: "p", namespace: "team-1", ip: `198.18.0.${at}`, labels }),
    ) as [ClientView, ClientView];
    assert.deepEqual(
      rig.generator.inspect().scopes.map(({ kind }) => kind),
      [alone === 0 ? "layer" : "whole", "layer"],
    );
    const different = types.flatMap((type) =>
      [...chosen.resources(type).values()].filter((each) => plain.resources(type).get(each.name) !== each),
    );
    assert.deepEqual(
      different.map(({ name }) => name),
      // The listener for what comes in is each machine's own.
      ["virtualInbound", "8080", "8080", "8080/svc-7.team-1.svc.cluster.local:8080"],
    );
  }
});

test("a virtual host that was the base's but for its routes keeps its domain when the base gives that to another", () => {
  const rig = new MeshRig(defaultMeshSettings, undefined, undefined, { alone: 0 });
  const caller: RigProxy = { name: "p", namespace: "data", ip: "198.18.0.1", labels: { app: "web" } };
  const view = rig.open(caller);
  put(rig, "VirtualService", "data", "one", {
    hosts: ["svc-1.shop"],
    http: [
      { match: [{ sourceLabels: { app: "web" } }], directResponse: { status: 204 } },
      { directResponse: { status: 200 } },
    ],
  });
  writeService(rig, 1, "shop", "10.0.0.1", 80);
  const whole = new MeshGenerator(rig.mesh, rig.graph, { alone: Number.POSITIVE_INFINITY });
  assert.deepEqual(contentsOf(view), contentsOf(whole.open(rig.clientOf(caller))));
});

test("what is made of many parts is put together once in a first view, however many steps that takes", () => {
  const rig = meshOfServices(200, () => "team-1");
  for (const alone of [0, 1]) {
    const scopes = new Scopes({ mesh: rig.mesh, graph: rig.graph, interned: new InternedResources(), alone });
    const made = scopes.make({
      namespace: "guest",
      autoAddresses: true,
      sourceLabels: {},
      ipv6: false,
      ipv6Names: false,
    });
    const seen: string[] = [];
    for (const type of [typeUrls.route, typeUrls.nameTable]) {
      for (const set of made.sets.get(type) ?? []) {
        set.subscribe((changes) => seen.push(...changes.map(({ key }) => key)));
      }
    }
    let steps = 1;
    while (made.fill()) steps += 1;
    assert.ok(steps > 10, `${steps} steps`);
    assert.deepEqual(seen.sort(), ["8080", "mesh"]);
    made.dispose();
  }
});

test("a scope with many differences is filled in slices, and is ready when it has them all", async () => {
  const clock = new FakeClock();
  const made = meshOfServices(200, () => "team-1");
  const generator = new MeshGenerator(made.mesh, made.graph, { alone: 0, slices: new Slices(clock) });
  const open = (namespace: string): Promise<ClientView> => {
    const view = generator.open(made.clientOf({ name: "p", namespace, ip: "198.18.0.1" }));
    return new Promise((resolve) => view.whenReady(() => resolve(view)));
  };
  const [guest, owner] = await Promise.all([open("guest"), open("team-1")]);
  const whole = new MeshGenerator(made.mesh, made.graph, { alone: 1 });
  for (const [namespace, view] of [
    ["guest", guest],
    ["team-1", owner],
  ] as const) {
    const expected = whole.open(made.clientOf({ name: "p", namespace, ip: "198.18.0.1" }));
    assert.deepEqual(contentsOf(view), contentsOf(expected), namespace);
    expected.close();
  }
});
