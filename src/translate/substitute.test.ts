import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import { RoutePartSchema } from "../../gen/lateen/agent/v1/agent_pb.ts";
import type { Graph } from "../collection/graph.ts";
import { Source } from "../collection/source.ts";
import type { Config } from "../config/object.ts";
import { defaultMeshSettings } from "../model/mesh-settings.ts";
import type { Resource, ResourceFragment } from "../xds/resource.ts";
import { routeConfigurationVersion } from "../xds/route-version.ts";
import { type ServedSet, type Substitution, substitutionKey } from "../xds/substitution.ts";
import { typeUrls } from "../xds/type-url.ts";
import { MeshRig } from "./mesh-rig.fake.ts";

const envoyVersion = "1.40.0";
const proxy = { name: "web-1", namespace: "shop", ip: "198.18.0.1", envoyVersion };

function object(kind: string, name: string, spec: unknown): Config {
  const group = "networking.istio.io";
  return {
    key: { source: "Kubernetes", group, kind, namespace: "shop", name },
    meta: { name, namespace: "shop" },
    spec: spec as object,
  };
}

function service(name: string, extraHosts: string[] = []): Config {
  return object("ServiceEntry", name, {
    hosts: [`${name}.example`, ...extraHosts],
    resolution: "STATIC",
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    endpoints: [{ address: "203.0.113.9" }],
  });
}

function timeout(name: string, seconds: number): Config {
  const route = [{ destination: { host: `${name}.example` } }];
  return object("VirtualService", name, { hosts: [`${name}.example`], http: [{ timeout: `${seconds}s`, route }] });
}

function open() {
  let substitutions: Source<Substitution> | undefined;
  const sets: ServedSet[] = [];
  const rig = new MeshRig(defaultMeshSettings, (graph: Graph) => {
    substitutions = new Source<Substitution>(graph, "substitutions", Object.is);
    const watch = (set: ServedSet): (() => void) => {
      sets.push(set);
      return () => void sets.splice(sets.indexOf(set), 1);
    };
    return { substitutions, watch };
  });
  for (const name of ["a", "b"]) for (const each of [service(name), timeout(name, 1)]) rig.put(each);
  const view = rig.open(proxy);
  const aside = (of: Partial<Substitution> & Pick<Substitution, "typeUrl" | "name" | "version">): void => {
    const rest = {
      fragment: undefined,
      only: undefined,
      envoyVersion,
      accepted: new Map(),
      message: "no",
      sources: [],
    };
    const substitution: Substitution = { ...rest, ...of };
    substitutions?.set(substitutionKey(substitution, substitution.only), substitution);
  };
  const route = (): Resource => view.resources(typeUrls.route).get("80") as Resource;
  const part = (name: string): ResourceFragment =>
    (route().fragments ?? []).find((each) => each.name === name) as ResourceFragment;
  return { rig, view, sets, aside, route, part, substitutions: () => substitutions };
}

describe("a substitution", () => {
  for (const accepted of [true, false]) {
    it(`of a virtual host holds in both ways that routes travel, ${accepted ? "with what was accepted" : "without it"}`, () => {
      const { rig, view, sets, aside, route, part } = open();
      const good = part("a.example:80");
      rig.put(timeout("a", 9));
      const bad = part("a.example:80");
      const key = sets.find(({ typeUrl }) => typeUrl === typeUrls.route)?.key ?? "";
      const found = { typeUrl: typeUrls.route, name: "80", fragment: bad.name, version: bad.version };
      aside({ ...found, accepted: accepted ? new Map([[key, good]]) : new Map() });
      assert.deepEqual(part("a.example:80")?.version, accepted ? good.version : undefined);
      assert.ok(part("b.example:80") !== undefined);
      const parts = view.resources(typeUrls.routePart);
      const head = fromBinary(RoutePartSchema, parts.get("80")?.body ?? new Uint8Array());
      assert.equal(head.contentVersion, route().version);
      const hosts = [...parts.values()].filter(({ name }) => name.startsWith("80/"));
      const byPosition = hosts
        .map(({ body, version }) => ({ ...fromBinary(RoutePartSchema, body), version }))
        .sort((a, b) => (a.position < b.position ? -1 : 1));
      const versions = byPosition.map(({ version }) => version);
      assert.equal(routeConfigurationVersion(head.routeConfiguration, versions), head.contentVersion);
      const whole = Buffer.concat([head.routeConfiguration, ...byPosition.map((each) => each.routeConfiguration)]);
      assert.deepEqual(whole, Buffer.from(route().body));
      // The content changes: it is itself again.
      rig.put(timeout("a", 10));
      assert.notEqual(part("a.example:80").version, good.version);
      view.close();
      assert.equal(sets.length, 0);
    });
  }

  it("of a resource gives what was accepted to who had it, or withholds it; other versions of Envoy get the content", () => {
    const { rig, view, sets, aside } = open();
    const name = "outbound|80||a.example";
    const old = view.resources(typeUrls.cluster).get(name) as Resource;
    rig.put(
      object("DestinationRule", "a", {
        host: "a.example",
        trafficPolicy: { connectionPool: { tcp: { connectTimeout: "3s" } } },
      }),
    );
    const bad = view.resources(typeUrls.cluster).get(name) as Resource;
    assert.notEqual(bad.version, old.version);
    const key = sets.find(({ typeUrl }) => typeUrl === typeUrls.cluster)?.key ?? "";
    const found = { typeUrl: typeUrls.cluster, name, version: bad.version };
    aside({ ...found, accepted: new Map([[key, old]]) });
    assert.equal(view.resources(typeUrls.cluster).get(name), old);
    assert.deepEqual(
      [...(view.resources(typeUrls.cluster).setAside?.() ?? [])],
      [{ name, message: "no", sources: [] }],
    );
    aside(found);
    assert.equal(view.resources(typeUrls.cluster).get(name)?.withheld, true);
    const other = rig.open({ ...proxy, envoyVersion: "1.39.0" });
    assert.equal(other.resources(typeUrls.cluster).get(name), bad);
  });

  it("gives what others had only where its makers are among those of the present content", () => {
    const { rig, view, aside } = open();
    const name = "outbound|80||a.example";
    const old = view.resources(typeUrls.cluster).get(name) as Resource;
    rig.put(
      object("DestinationRule", "a", {
        host: "a.example",
        trafficPolicy: { connectionPool: { tcp: { connectTimeout: "3s" } } },
      }),
    );
    const { version } = view.resources(typeUrls.cluster).get(name) as Resource;
    const found = { typeUrl: typeUrls.cluster, name, version };
    aside({ ...found, accepted: new Map([["another scope", old]]) });
    assert.equal(view.resources(typeUrls.cluster).get(name), old);
    const secret = { ...old, sources: [{ kind: "DestinationRule", namespace: "secret", name: "a" }] };
    aside({ ...found, accepted: new Map([["another scope", secret]]) });
    assert.equal(view.resources(typeUrls.cluster).get(name)?.withheld, true);
  });

  it("of a virtual host gives no domain that the rejected one does not claim: another may have it now", () => {
    const { rig, sets, aside, part, route } = open();
    rig.put(
      object("VirtualService", "a", {
        hosts: ["a.example"],
        http: [{ route: [{ destination: { host: "a.example" } }] }],
      }),
    );
    const good = part("a.example:80");
    const bad = part("b.example:80");
    const key = sets.find(({ typeUrl }) => typeUrl === typeUrls.route)?.key ?? "";
    aside({
      typeUrl: typeUrls.route,
      name: "80",
      fragment: bad.name,
      version: bad.version,
      accepted: new Map([[key, good]]),
    });
    const { virtualHosts } = fromBinary(RouteConfigurationSchema, route().body);
    const domains = virtualHosts.flatMap((host) => host.domains);
    assert.equal(new Set(domains).size, domains.length);
  });
});
