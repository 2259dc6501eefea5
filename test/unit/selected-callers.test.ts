// DestinationRules for chosen callers: who has which.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forwarded, machine, meshOf, object, service, shares, transports, workload } from "./mesh-world.fake.ts";

const reviews =
  service("reviews", "[{number: 80, name: http, protocol: HTTP}]") +
  workload("reviews-1", "198.18.1.1", "{app: reviews, version: v1}");

/** `selector` as YAML; the rule makes calls of those whom it is for plaintext. */
function rule(name: string, selector: string | undefined, more = "", namespace = "shop"): string {
  const chosen = selector === undefined ? "" : `workloadSelector: {matchLabels: ${selector}}, `;
  const host = "host: reviews.shop.svc.cluster.local";
  return object("DestinationRule", name, `{${host}, ${chosen}trafficPolicy: {tls: {mode: DISABLE}}${more}}`, namespace);
}

/** How a caller with these labels reaches the service. */
function called(objects: string, labels: Record<string, string>, namespace = "shop"): string | undefined {
  const caller = machine(meshOf(reviews + objects), { labels, namespace });
  return Object.values(transports(caller.http("http://reviews.shop.svc.cluster.local/")))[0];
}

describe("a DestinationRule with a workloadSelector", () => {
  it("is for the callers that carry its labels, and for no others", () => {
    const chosen = rule("chosen", "{app: front, tier: gold}");
    assert.equal(called(chosen, { app: "front", tier: "gold", version: "v1" }), "plaintext");
    for (const labels of [{ app: "front" }, { app: "front", tier: "silver" }, { tier: "gold" }, {}]) {
      assert.equal(called(chosen, labels as Record<string, string>), "mutual TLS", JSON.stringify(labels));
    }
  });

  it("stays in its own namespace", () => {
    assert.equal(called(rule("chosen", "{app: front}"), { app: "front" }, "data"), "mutual TLS");
    assert.equal(called(rule("chosen", "{app: front}", "", "istio-system"), { app: "front" }), "mutual TLS");
    assert.equal(called(rule("chosen", "{app: front}", "", "data"), { app: "front" }, "data"), "plaintext");
  });

  it("without labels is for every caller of its namespace", () => {
    assert.equal(called(rule("chosen", "{}"), {}), "plaintext");
    assert.equal(called(rule("chosen", "{}"), {}, "data"), "mutual TLS");
  });

  it("comes before a rule for all, however old that is, and in its place", () => {
    const v1 = "{name: v1, labels: {version: v1}}";
    const rules = (more: string) =>
      object("DestinationRule", "a-all", `{host: reviews, subsets: [${v1}]${more}}`) + rule("chosen", "{app: front}");
    const routed = object(
      "VirtualService",
      "reviews",
      "{hosts: [reviews], http: [{route: [{destination: {host: reviews, subset: v1}}]}]}",
    );
    assert.equal(called(rules(""), { app: "front" }), "plaintext");
    assert.equal(called(rules(""), { app: "other" }), "mutual TLS");
    const outcome = (objects: string, app: string) =>
      machine(meshOf(reviews + routed + objects), { labels: { app } }).http("http://reviews/").outcome;
    assert.deepEqual([outcome(rules(""), "front"), outcome(rules(""), "other")], ["missingCluster", "routed"]);
    // Istio merges the two where the rule for all names its own namespace.
    const home = rules(', exportTo: ["."]');
    assert.deepEqual([outcome(home, "front"), outcome(home, "other")], ["routed", "routed"]);
  });

  it("is the oldest of those that choose the caller, together with those of the same labels", () => {
    const hash = (header: string) =>
      `{host: reviews, trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: ${header}}}}, `;
    const subset = (name: string) => `subsets: [{name: ${name}, labels: {version: v1}}], `;
    const objects =
      object("DestinationRule", "a", `${hash("x-a")}${subset("one")}workloadSelector: {matchLabels: {app: front}}}`) +
      object("DestinationRule", "b", `${hash("x-b")}${subset("two")}workloadSelector: {matchLabels: {tier: gold}}}`) +
      object(
        "DestinationRule",
        "c",
        `{host: reviews, ${subset("three")}workloadSelector: {matchLabels: {app: front}}}`,
      );
    const view = machine(meshOf(reviews + objects), { labels: { app: "front", tier: "gold" } });
    assert.deepEqual(forwarded(view.http("http://reviews/")).hash, ["header x-a"]);
    const to = (name: string) =>
      machine(
        meshOf(
          reviews +
            objects +
            object(
              "VirtualService",
              "v",
              `{hosts: [reviews], http: [{route: [{destination: {host: reviews, subset: ${name}}}]}]}`,
            ),
        ),
        { labels: { app: "front", tier: "gold" } },
      ).http("http://reviews/").outcome;
    assert.deepEqual(["one", "two", "three"].map(to), ["routed", "missingCluster", "routed"]);
  });

  it("that chooses others hides no rule of the service's own namespace", () => {
    const exported = rule("exported", undefined);
    const elsewhere = rule("chosen", "{app: other}", "", "data");
    assert.equal(called(exported + elsewhere, { app: "front" }, "data"), "plaintext");
  });

  it("reaches callers that were there before it, and leaves them again", () => {
    const rig = meshOf(reviews);
    const gold = machine(rig, { labels: { app: "front", tier: "gold" } });
    const plain = machine(rig, { labels: { app: "front" } });
    const now = () => [gold, plain].map((one) => Object.values(transports(one.http("http://reviews/")))[0]);
    assert.deepEqual(now(), ["mutual TLS", "mutual TLS"]);
    const [key, config] = [...meshOf(rule("chosen", "{tier: gold}")).configs.entries()][0] ?? [];
    assert.ok(key !== undefined && config !== undefined);
    rig.put(config);
    assert.deepEqual(now(), ["plaintext", "mutual TLS"]);
    assert.deepEqual(shares(gold.http("http://reviews/")), { "outbound|80||reviews.shop.svc.cluster.local": 100 });
    rig.configs.delete(key);
    assert.deepEqual(now(), ["mutual TLS", "mutual TLS"]);
  });
});
