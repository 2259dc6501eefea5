import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Graph } from "../collection/graph.ts";
import { Source } from "../collection/source.ts";
import type { DestinationRule } from "../config/destination-rule/destination-rule.ts";
import type { Config } from "../config/object.ts";
import { matchesLabels } from "../config/selector.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import { askedLabels, deriveCallerSelectors } from "./caller-selector.ts";
import { defaultMeshSettings, type MeshSettings, meshSettingsKey } from "./mesh-settings.ts";

class Rules {
  private readonly graph = new Graph();
  private readonly virtualServices = new Source<Config<VirtualService>>(this.graph, "virtual-services");
  private readonly destinationRules = new Source<Config<DestinationRule>>(this.graph, "destination-rules");
  readonly settings = new Source<MeshSettings>(this.graph, "settings");
  readonly selectors = deriveCallerSelectors({
    virtualServices: this.virtualServices,
    destinationRules: this.destinationRules,
    settings: this.settings,
  });

  route(name: string, namespace: string, spec: Partial<VirtualService>): void {
    this.virtualServices.set(`${namespace}/${name}`, configOf(name, namespace, { hosts: ["web"], ...spec }));
  }

  rule(name: string, namespace: string, spec: Partial<DestinationRule>): void {
    this.destinationRules.set(`${namespace}/${name}`, configOf(name, namespace, { host: "web", ...spec }));
  }

  remove(name: string, namespace: string): void {
    this.virtualServices.delete(`${namespace}/${name}`);
  }

  asked(namespace: string, labels: Record<string, string>): Readonly<Record<string, string>> {
    return askedLabels(this.selectors, namespace, labels);
  }
}

function configOf<T>(name: string, namespace: string, spec: T): Config<T> {
  const key = { source: "files", group: "networking.istio.io", kind: "VirtualService", namespace, name } as const;
  return { key, meta: { name, namespace }, spec };
}

const choosing = (sourceLabels: Record<string, string>, more: object = {}) => ({
  http: [{ match: [{ sourceLabels, ...more }], route: [{ destination: { host: "web" } }] }],
});

test("a value that no rule names tells nobody apart, nor does part of what a rule asks for", () => {
  const rules = new Rules();
  assert.deepEqual(rules.asked("shop", { app: "web" }), {});
  rules.route("one", "shop", choosing({ app: "web", tier: "gold" }));
  rules.rule("two", "shop", { workloadSelector: { matchLabels: { app: "api" } } });
  assert.deepEqual(rules.asked("shop", { app: "cart", tier: "gold" }), {});
  assert.deepEqual(rules.asked("shop", { app: "web" }), {});
  assert.deepEqual(rules.asked("shop", { app: "web", tier: "gold", version: "v1" }), { app: "web", tier: "gold" });
  assert.deepEqual(rules.asked("shop", { app: "api", tier: "gold" }), { app: "api" });
  rules.remove("one", "shop");
  assert.deepEqual(rules.asked("shop", { app: "web", tier: "gold" }), {});
});

test("only callers that see the rule are told apart by it", () => {
  const rules = new Rules();
  const seen = () => ["shop", "data", "bank"].filter((name) => "app" in rules.asked(name, { app: "web" }));
  const seenOf = (spec: Partial<VirtualService>) => {
    rules.route("one", "shop", spec);
    return seen();
  };
  const spec = choosing({ app: "web" });
  assert.deepEqual(seenOf(spec), ["shop", "data", "bank"]);
  assert.deepEqual(seenOf({ ...spec, exportTo: ["."] }), ["shop"]);
  assert.deepEqual(seenOf({ ...spec, exportTo: ["~"] }), ["shop"]);
  assert.deepEqual(seenOf({ ...spec, exportTo: ["data"] }), ["shop", "data"]);
  assert.deepEqual(seenOf(choosing({ app: "web" }, { sourceNamespace: "bank" })), ["bank"]);
  assert.deepEqual(seenOf({ ...choosing({ app: "web" }, { sourceNamespace: "bank" }), exportTo: ["."] }), []);
  assert.deepEqual(seenOf(choosing({ app: "web" }, { gateways: ["edge"] })), []);
  assert.deepEqual(seenOf({ ...spec, gateways: ["edge"] }), []);
  assert.deepEqual(seenOf(spec), ["shop", "data", "bank"]);
  rules.settings.set(meshSettingsKey, { ...defaultMeshSettings, defaultVirtualServiceExportTo: ["."] });
  assert.deepEqual(seen(), ["shop"]);
  rules.remove("one", "shop");
  rules.rule("two", "data", { workloadSelector: { matchLabels: { app: "web" } }, exportTo: ["*"] });
  assert.deepEqual(seen(), ["data"]);
});

test("rules that ask for the same labels are one selector, whoever wrote them", () => {
  const rules = new Rules();
  const changes: string[] = [];
  rules.selectors.all.subscribe((all) => changes.push(...all.map(({ key }) => key)));
  for (const name of ["a", "b", "c"]) rules.route(name, "shop", choosing({ app: "web" }));
  rules.route("a", "shop", { ...choosing({ app: "web" }), tcp: [{ match: [{ sourceLabels: {} }] }] });
  rules.remove("a", "shop");
  assert.equal(changes.length, 1);
  assert.equal(rules.selectors.all.size, 1);
});

test("what is kept of a caller's labels satisfies what they satisfy, and is the same for all that satisfy the same", () => {
  const labels = fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), fc.constantFrom("1", "2", ""));
  fc.assert(
    fc.property(fc.array(labels, { maxLength: 6 }), fc.array(labels, { maxLength: 6 }), (asked, callers) => {
      const rules = new Rules();
      for (const [at, selector] of asked.entries()) rules.route(`r-${at}`, "shop", choosing(selector));
      const keptBySatisfied = new Map<string, unknown>();
      for (const caller of callers) {
        const kept = rules.asked("shop", caller);
        const satisfied = asked.map((selector) => matchesLabels(selector, caller));
        assert.deepEqual(
          asked.map((selector) => matchesLabels(selector, kept)),
          satisfied,
        );
        const known = keptBySatisfied.get(satisfied.join()) ?? kept;
        assert.deepEqual(kept, known);
        keptBySatisfied.set(satisfied.join(), known);
      }
    }),
    { numRuns: 200 },
  );
});
