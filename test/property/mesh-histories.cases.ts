// Histories that failed once, shrunken: they are tried before new ones.
import { kindByName } from "../../src/config/kinds.ts";
import type { Config } from "../../src/config/object.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { type ProxyPlan, plainPlan } from "./fake-proxy.ts";
import type { Change } from "./mesh-changes.ts";
import type { MeshHistory } from "./mesh-history.ts";
import type { IsolationHistory } from "./namespace-isolation.ts";
import type { ServedHistory, ServedStep } from "./served-history.ts";

function object(kind: string, spec: object, namespace = "shop", name = "one"): Config {
  const key = { source: "files", group: kindByName(kind)?.group ?? "", kind, namespace, name };
  return { key, meta: { name, namespace, creationTimestamp: "2026-01-01T00:00:00Z" }, spec };
}

const put = (kind: string, spec: object, namespace?: string, name?: string): Change => ({
  do: "put",
  config: object(kind, spec, namespace, name),
});
const batch = (...changes: Change[]): ServedStep => ({ do: "batch", changes });
const deliver = (...picks: number[]): ServedStep => ({ do: "deliver", picks });

/** Plans of four proxies, of which one is something else. */
function plans(index: number, plan: Partial<ProxyPlan>): ProxyPlan[] {
  return [0, 1, 2, 3].map((each) => ({ ...plainPlan, patient: false, ...(each === index ? plan : {}) }));
}

const webAnswers = { hosts: ["web"], http: [{ directResponse: { status: 204 } }] };

function webService(...ports: readonly (readonly [number: number, name: string, protocol?: string])[]): object {
  return {
    hosts: ["web.shop"],
    ports: ports.map(([number, name, protocol]) => ({ number, name, ...(protocol === undefined ? {} : { protocol }) })),
    resolution: "STATIC",
    addresses: ["10.9.0.2", "10.8.0.0/16"],
    workloadSelector: { labels: {} },
    location: "MESH_INTERNAL",
  };
}

export const meshHistoryCases: readonly MeshHistory[] = [];

export const servedHistoryCases: readonly ServedHistory[] = [
  // A listener came before the load assignment of the cluster that it names had been asked for.
  {
    plans: plans(2, { variant: "sotw", eager: true }),
    steps: [
      batch(
        put("ServiceEntry", {
          hosts: ["api"],
          ports: [{ number: 443, name: "https", protocol: "HTTPS" }],
          resolution: "STATIC",
          workloadSelector: { labels: {} },
          location: "MESH_INTERNAL",
        }),
        put("WorkloadEntry", { address: "198.18.0.1", labels: {} }),
      ),
    ],
    order: 0,
  },
  // Word that a load assignment is gone waited for the removal of its cluster, which waited for the proxy, which waited for it.
  {
    plans: plans(3, { patient: true }),
    steps: [
      batch(
        put("ServiceEntry", {
          hosts: ["*.example.com"],
          ports: [
            { number: 15006, name: "http-own", protocol: "HTTP" },
            { number: 5432, name: "tcp-db", protocol: "TCP" },
          ],
          resolution: "STATIC",
          location: "MESH_INTERNAL",
        }),
      ),
      { do: "connect", slot: 3 },
      deliver(0, 0, 0, 0, 0),
      batch({ do: "delete", victim: 0 }),
    ],
    order: 0,
  },
  // The same, of a load assignment that was in a message that was rejected for another.
  {
    plans: plans(1, {
      patient: true,
      refuses: { typeUrl: typeUrls.endpoint, residue: 0 },
      explains: false,
      partial: false,
    }),
    steps: [
      batch(
        put("ServiceEntry", {
          hosts: ["*.example.com"],
          ports: [
            { number: 15006, name: "http-own", protocol: "HTTP" },
            { number: 80, name: "http-web" },
            { number: 8080, name: "grpc", protocol: "GRPC", targetPort: 9090 },
          ],
          resolution: "STATIC",
          addresses: ["10.9.0.1"],
          endpoints: [
            { address: "198.18.0.1", labels: { app: "web", version: "v1" }, weight: 3, serviceAccount: "web" },
          ],
          location: "MESH_INTERNAL",
        }),
      ),
      batch(
        put(
          "ServiceEntry",
          {
            hosts: ["web"],
            ports: [{ number: 80, name: "http", protocol: "HTTP" }],
            resolution: "STATIC",
            location: "MESH_INTERNAL",
          },
          "shop",
          "three",
        ),
      ),
      { do: "restart", slot: 1 },
      deliver(0, 0, 0, 0, 0),
      deliver(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
      batch(
        put("ServiceEntry", {
          hosts: ["web"],
          ports: [{ number: 80, name: "http", protocol: "HTTP" }],
          resolution: "STATIC",
          workloadSelector: { labels: {} },
          location: "MESH_INTERNAL",
        }),
      ),
    ],
    order: 0,
  },
  // A response in state of the world that held what was about to go had the version of one without it.
  {
    plans: plans(3, {
      variant: "sotw",
      patient: true,
      refuses: { typeUrl: typeUrls.listener, residue: "all" },
      explains: false,
    }),
    steps: [
      batch(
        put("ServiceEntry", {
          hosts: ["web.shop.svc.cluster.local", "*.example.com"],
          ports: [
            { number: 8080, name: "grpc", protocol: "GRPC", targetPort: 9090 },
            { number: 80, name: "http-web" },
          ],
          resolution: "STATIC",
          endpoints: [{ address: "2001:db8:1::3", labels: { app: "api", version: "v1" }, weight: 1 }],
        }),
      ),
      { do: "connect", slot: 3 },
      deliver(0, 0),
      batch(
        put("ServiceEntry", {
          hosts: ["web"],
          ports: [
            { number: 443, name: "https", protocol: "HTTPS" },
            { number: 15021, name: "tcp-own", protocol: "TCP", targetPort: 15006 },
            { number: 3306, name: "mysql" },
          ],
          resolution: "NONE",
          location: "MESH_INTERNAL",
        }),
      ),
      { do: "connect", slot: 0 },
    ],
    order: 0,
  },
  // A name table that was about to change, as its client was about to see another scope, was taken for what the client held.
  {
    plans: plans(1, { variant: "sotw", patient: true }),
    steps: [
      { do: "connect", slot: 2 },
      batch(put("DestinationRule", { host: "web", subsets: [], workloadSelector: { matchLabels: { app: "web" } } })),
      { do: "connect", slot: 0 },
      { do: "connect", slot: 1 },
      deliver(10, 0, 0, 0, 0, 0),
      deliver(0, 0, 0, 0, 0),
      deliver(0, 0, 0),
      deliver(0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
      batch(
        put("ServiceEntry", webService([5432, "tcp-db", "TCP"], [8080, "http2-web"], [3306, "mysql"]), "istio-system"),
        { do: "replace", victim: 0, config: object("VirtualService", webAnswers) },
      ),
      batch({ do: "delete", victim: 0 }, { do: "delete", victim: 0 }),
      deliver(0),
      batch(
        put("ServiceEntry", webService([80, "http", "HTTP"], [8080, "http2-web"], [15006, "http-own", "HTTP"])),
        put("WorkloadEntry", { address: "198.18.0.1", labels: {} }),
      ),
      batch(put("VirtualService", webAnswers)),
    ],
    order: 0,
  },
  // Of a stream that was cut and not noticed, what waited was said to be kept from the stream after it.
  {
    plans: plans(1, {}),
    steps: [
      { do: "connect", slot: 1 },
      deliver(0),
      { do: "cut", slot: 1, notices: false },
      { do: "move", slot: 1, labels: { app: "web", version: "v2" } },
      { do: "silence" },
      { do: "connect", slot: 0 },
    ],
    order: 0,
    holdMs: 50,
  },
  // The same, of a stream that had asked for everything at once.
  {
    plans: plans(1, { eager: true }),
    steps: [
      { do: "connect", slot: 1 },
      deliver(0),
      { do: "cut", slot: 1, notices: false },
      { do: "connect", slot: 1 },
      { do: "silence" },
      deliver(0),
    ],
    order: 0,
    holdMs: 50,
  },
];

export const isolationCases: readonly IsolationHistory[] = [
  // A rule's selector moved the outsiders to another scope, which lists the same in another order.
  {
    own: [
      object("VirtualService", { hosts: ["api"], http: [{ directResponse: { status: 204 } }] }),
      object("ServiceEntry", {
        hosts: ["web"],
        ports: [{ number: 80, name: "http", protocol: "HTTP" }],
        resolution: "STATIC",
        workloadSelector: { labels: {} },
        location: "MESH_INTERNAL",
      }),
    ],
    other: [
      [
        object(
          "DestinationRule",
          { host: "web", subsets: [], workloadSelector: { matchLabels: { app: "web" } }, exportTo: ["."] },
          "data",
        ),
        object("WorkloadEntry", { address: "198.18.0.1", labels: {} }, "data"),
      ],
      [object("DestinationRule", { host: "web", subsets: [], exportTo: ["."] }, "data")],
    ],
    keep: 0,
    byDefault: false,
  },
];
