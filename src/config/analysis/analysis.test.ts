import assert from "node:assert/strict";
import { test } from "node:test";
import { Analysis } from "./analysis.ts";
import type { AnalyzedObject } from "./analyzed-object.ts";
import { checks } from "./checks.ts";
import { conflictingHosts } from "./conflicting-hosts.ts";
import { conflictingProtocols } from "./conflicting-protocol.ts";
import { destinationRuleReferences } from "./destination-rule-references.ts";
import { foreignAddresses, foreignHosts } from "./foreign-claims.ts";
import { listenerPorts } from "./listener-ports.ts";
import { selectedWorkloads } from "./selected-workloads.ts";
import { finish } from "./steps.ts";
import { virtualServiceReferences } from "./virtual-service-references.ts";

function object(kind: string, name: string, spec: unknown, group = "networking.istio.io"): AnalyzedObject {
  return { kind: { kind, group }, object: { metadata: { name, namespace: "shop" }, spec } };
}

const entry = (name: string, port = 80) =>
  object("ServiceEntry", name, { hosts: [name], ports: [{ number: port, name: "http", protocol: "HTTP" }] });
const route = (name: string, host: string) =>
  object("VirtualService", name, { hosts: [name], http: [{ route: [{ destination: { host } }] }] });
const mesh = [
  entry("web"),
  entry("api"),
  route("web", "web"),
  route("api", "nowhere"),
  object("DestinationRule", "web", { host: "web" }),
  object("WorkloadGroup", "web", { template: {} }),
  object("PeerAuthentication", "web", { selector: { matchLabels: { app: "web" } } }, "security.istio.io"),
];

/** An analysis, and which checks it has made since it was asked last. */
function bed() {
  const made = new Set<number>();
  const watched = checks.map((check, at) => ({
    ...check,
    *find(...given: Parameters<typeof check.find>) {
      made.add(at);
      yield* check.find(...given);
    },
  }));
  const analysis = new Analysis({}, watched);
  const run = (objects: readonly AnalyzedObject[]) => {
    made.clear();
    const found = finish(analysis.run(objects)).map(
      ({ on, code }) => `${code} ${on.kind.kind} ${on.object.metadata.name}`,
    );
    return { found, made: checks.filter((_, at) => made.has(at)) };
  };
  return { analysis, run };
}

const found = ["IST0101 VirtualService api", "IST0127 PeerAuthentication web"];

test("a check is made again only where something that it reads changed", () => {
  const { run } = bed();
  assert.deepEqual(run(mesh), { found, made: checks });
  assert.deepEqual(run([...mesh]), { found, made: [] });

  const cured = mesh.map((each, at) => (at === 3 ? route("api", "api") : each));
  assert.deepEqual(run(cured), { found: found.slice(1), made: [virtualServiceReferences, conflictingHosts] });

  const [policies, rules, services] = [
    selectedWorkloads.slice(0, 4),
    selectedWorkloads.at(-2),
    selectedWorkloads.at(-1),
  ];
  const ruled = cured.map((each, at) => (at === 4 ? object("DestinationRule", "web", { host: "api" }) : each));
  assert.deepEqual(run(ruled), {
    found: found.slice(1),
    made: [virtualServiceReferences, destinationRuleReferences, rules],
  });
  const grown = [...ruled, entry("new")];
  assert.deepEqual(run(grown), {
    found: found.slice(1),
    made: [
      ...[virtualServiceReferences, foreignHosts, foreignAddresses, destinationRuleReferences],
      ...[services, conflictingProtocols, listenerPorts[0]],
    ],
  });
  const policy = object("PeerAuthentication", "web", {}, "security.istio.io");
  const loose = grown.map((each, at) => (at === 6 ? policy : each));
  assert.deepEqual(run(loose), { found: [], made: [policies[0], listenerPorts[3]] });
});

test("an object that is about to be written is told what is found of it beside the others", () => {
  const analysis = new Analysis();
  const codes = (written: AnalyzedObject, others: readonly AnalyzedObject[]) =>
    analysis.about(written, others).map(({ code, path }) => `${code} ${path}`);
  const destination = "spec.http[0].route[0].destination.host";
  assert.deepEqual(codes(route("new", "nowhere"), mesh), [`IST0101 ${destination}`]);
  assert.deepEqual(codes(route("new", "gone"), [...mesh, route("new.shop.svc.cluster.local", "web")]), [
    `IST0101 ${destination}`,
    "IST0109 spec.hosts[0]",
  ]);
  assert.deepEqual(codes(entry("nowhere"), mesh), []);
  assert.deepEqual(codes(object("WorkloadGroup", "a", { template: { ports: { http: 15006 } } }), mesh), [
    "LAT1013 spec.template.ports.http",
  ]);
  assert.deepEqual(codes(object("Namespace", "a", {}, ""), mesh), []);
});

test("who asks about an object does not make checks anew", () => {
  const { analysis, run } = bed();
  run(mesh);
  for (const written of [route("new", "web"), entry("new"), object("DestinationRule", "new", { host: "web" })]) {
    analysis.about(written, mesh);
  }
  analysis.about(route("web", "api"), mesh.toSpliced(2, 1));
  assert.deepEqual(run([...mesh]), { found, made: [] });
});

test("between two steps only some hundred objects are looked at", () => {
  const seen = new Set<AnalyzedObject>();
  const watch = (each: AnalyzedObject): AnalyzedObject => {
    const watched: AnalyzedObject = {
      kind: each.kind,
      get object() {
        seen.add(watched);
        return each.object;
      },
    };
    return watched;
  };
  const addressed = (at: number) => {
    const address = `10.0.${at >> 8}.${at & 255}`;
    return object("ServiceEntry", `a${at}`, { hosts: [`a${at}`], addresses: [address], resolution: "STATIC" });
  };
  const large = Array.from({ length: 3_000 }, (_, at) => [
    ...[watch(addressed(at)), watch(route(`a${at}`, `a${at}`))],
    watch(object("DestinationRule", `a${at}`, { host: `a${at}` })),
    watch(object("WorkloadEntry", `a${at}`, { labels: { app: "web" } })),
  ]).flat();
  const run = new Analysis().run(large);
  let most = 0;
  do {
    most = Math.max(most, seen.size);
    seen.clear();
  } while (run.next().done !== true);
  assert.ok(most > 0 && most <= 1_100, `${most}`);
});
