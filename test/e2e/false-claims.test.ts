// What a machine that joined gets by saying that it is more than it is: nothing of other accounts.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import type { Authority } from "../../src/ca/authority.ts";
import { AdsClient } from "../../src/serve/ads/ads-client.fake.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { ControlPlaneRun } from "../kit/control-plane-run.ts";
import { eventually } from "../kit/eventually.ts";
import { type IssuedIdentity, issueIdentity, openControlAuthority } from "../kit/issued-identity.ts";

const group = (namespace: string, account: string): string => `
---
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: ${account}, namespace: ${namespace}}
spec: {metadata: {labels: {app: ${account}}}, template: {serviceAccount: ${account}}}
`;
const objects = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews.shop.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  workloadSelector: {labels: {app: reviews}}
${group("shop", "reviews")}${group("shop", "low")}${group("evil", "evil")}`;
const cluster = "outbound|80||reviews.shop.svc.cluster.local";

describe("a machine that joined", () => {
  const control = new ControlPlaneRun();
  const clients: AdsClient[] = [];
  let authority: Authority;
  let identities: Record<"reviews" | "low" | "evil", IssuedIdentity>;

  before(async () => {
    writeFileSync(join(control.configDir, "mesh.yaml"), objects);
    await control.up();
    authority = await openControlAuthority(control.dataDir);
    identities = {
      reviews: await issueIdentity(authority, "spiffe://cluster.local/ns/shop/sa/reviews"),
      low: await issueIdentity(authority, "spiffe://cluster.local/ns/shop/sa/low"),
      evil: await issueIdentity(authority, "spiffe://cluster.local/ns/evil/sa/evil"),
    };
  });
  after(async () => {
    for (const client of clients) await client.close();
    await authority.stop();
    await control.stop();
  });

  it("takes no other account's traffic by claiming its labels", async () => {
    machine("low", "10.66.0.1", { metadata: { LABELS: { app: "reviews" } } });
    machine("reviews", "10.0.0.7", { metadata: { LATEEN: {} } });
    await eventually(async () => assert.deepEqual(await registered(), ["10.0.0.7", "10.66.0.1"]));
    assert.deepEqual(await addressesOfReviews(), ["10.0.0.7"]);
  });

  it("takes no other account's address by claiming it first after a restart, and is served nevertheless", async () => {
    await control.down();
    await control.up();
    const evil = machine("evil", "10.0.0.7");
    assert.ok((await evil.nextAcked()).resources.length > 0);
    machine("reviews", "10.0.0.7", { metadata: { LATEEN: {} } });
    await control.program.line(
      /"msg":"serving a machine without registering it".*LAT4404|LAT4404.*without registering it/,
    );
    const { stdout } = await control.lateen("get", "workloadentries", "--all-namespaces", "-o", "json");
    const { items } = JSON.parse(stdout) as { items: { metadata: { namespace: string }; spec: { address: string } }[] };
    const owners = items.filter(({ spec }) => spec.address === "10.0.0.7").map(({ metadata }) => metadata.namespace);
    assert.deepEqual(owners, ["shop"]);
  });

  it("does not become a flood of machines with one certificate", async () => {
    const flood = Array.from({ length: 8 }, (_, index) => machine("low", `10.67.0.${index + 1}`));
    const refused = await Promise.race(flood.map((client) => client.ended));
    assert.match(refused.message, /LAT4407/);
  });

  function machine(account: keyof typeof identities, ip: string, node: { metadata?: JsonObject } = {}) {
    const namespace = account === "evil" ? "evil" : "shop";
    const client = ads(account, `sidecar~${ip}~vm-1.${namespace}~${namespace}.svc.cluster.local`, {
      NAMESPACE: namespace,
      AUTO_REGISTER_GROUP: account,
      ...node.metadata,
    });
    client.subscribe(typeUrls.cluster);
    return client;
  }

  function ads(account: keyof typeof identities, id: string, metadata: JsonObject): AdsClient {
    const tls = { ca: authority.roots(), servername: "istiod.istio-system.svc", ...identities[account] };
    const node = { id, metadata };
    const client = new AdsClient({ url: control.addresses.xds, tls, node });
    clients.push(client);
    return client;
  }

  async function registered(): Promise<string[]> {
    const { stdout } = await control.lateen("get", "workloadentries", "-n", "shop", "-o", "json");
    const { items } = JSON.parse(stdout) as { items: { spec: { address: string } }[] };
    return items.map(({ spec }) => spec.address).sort();
  }

  async function addressesOfReviews(): Promise<string[]> {
    const looker = ads("reviews", "sidecar~10.0.9.9~looker.shop~shop.svc.cluster.local", { NAMESPACE: "shop" });
    looker.subscribe(typeUrls.endpoint, cluster);
    const { resources } = await looker.nextAcked();
    return resources.flatMap(({ body }) => body.match(/10\.\d+\.\d+\.\d+/g) ?? []);
  }
});
