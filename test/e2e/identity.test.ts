// Who may talk to whom in which form: identities on the wire, and what does not get in without one.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { IdentityProbe } from "../kit/identity-probe.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

const url = "http://echo.shop.svc.cluster.local/";
const caller = "spiffe://cluster.local/ns/shop/sa/front";

describe("identity and encryption", rootOnly, () => {
  let mesh: Mesh;
  let front: Machine;
  let echo: Machine;
  let outsider: Machine;
  let direct: string;

  before(async () => {
    const groups = workloadGroup("front") + workloadGroup("echo") + workloadGroup("impostor");
    mesh = await Mesh.start({ objects: groups + meshService("echo") });
    echo = await mesh.join("echo-1", "shop/echo", { echo: true });
    front = await mesh.join("front", "shop/front");
    outsider = await mesh.addMachine("outsider");
    direct = `http://${echo.host.address}:8080/`;
  });
  after(() => mesh?.stop());

  /** The header by which the server learns who calls; undefined where it was called in plaintext. */
  async function seenCaller(from: Machine, target: string): Promise<string | undefined> {
    const { status, body, error } = await from.one(target);
    assert.equal(status, 200, error ?? body);
    const headers = (JSON.parse(body) as { headers: Record<string, string> }).headers;
    return /URI=([^;,]+)/.exec(headers["x-forwarded-client-cert"] ?? "")?.[1];
  }

  it("without any policy the server accepts plaintext, and members still use mutual TLS", async () => {
    assert.equal(await seenCaller(front, url), caller);
    assert.equal(await seenCaller(outsider, direct), undefined);
  });

  it("a caller cannot claim an identity by a header", async () => {
    const headers = { "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/shop/sa/admin" };
    for (const [from, target] of [
      [outsider, direct],
      [front, url],
    ] as const) {
      const { status, body } = await from.one(target, { headers });
      assert.equal(status, 200);
      assert.doesNotMatch(body, /sa\/admin/);
    }
  });

  it("STRICT refuses plaintext, and members notice nothing", async () => {
    const load = front.load({ url });
    await mesh.control.apply(peerAuthentication("STRICT"));
    await eventually(async () => assert.equal(await outsider.status(direct), 0));
    assert.equal(await seenCaller(front, url), caller);
    assert.deepEqual(Object.keys((await load.stop()).statuses), ["200"]);
  });

  it("a port of a workload may be PERMISSIVE while the rest is STRICT", async () => {
    const portLevel = "  selector: {matchLabels: {app: echo}}\n  portLevelMtls: {8080: {mode: PERMISSIVE}}\n";
    await mesh.control.apply(peerAuthentication("STRICT", "shop", portLevel));
    await eventually(async () => assert.equal(await outsider.status(direct), 200));
    assert.equal(await outsider.status(`tcp://${echo.host.address}:9000`), 0);
    await mesh.control.remove("peerauthentication/default", "shop");
    await eventually(async () => assert.equal(await outsider.status(direct), 0));
  });

  it("PERMISSIVE accepts both", async () => {
    await mesh.control.apply(peerAuthentication("PERMISSIVE", "shop"));
    await eventually(async () => assert.equal(await seenCaller(outsider, direct), undefined));
    assert.equal(await seenCaller(front, url), caller);
  });

  it("DISABLE means plaintext, for members too", async () => {
    await mesh.control.apply(peerAuthentication("DISABLE", "shop"));
    await eventually(async () => assert.equal(await seenCaller(front, url), undefined));
    assert.equal(await seenCaller(outsider, direct), undefined);
    await mesh.control.remove("peerauthentication/default", "shop");
    await eventually(async () => assert.equal(await seenCaller(front, url), caller));
  });

  it("a call to an address that the application chose itself is mutual TLS too, if members are behind the name", async () => {
    await mesh.control.apply(`apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: pass, namespace: shop}
spec:
  hosts: [pass.shop.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 8080, name: http, protocol: HTTP}]
  workloadSelector: {labels: {app: echo}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: pass, namespace: shop}
spec: {host: pass.shop.svc.cluster.local, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}
`);
    const cluster = "/config_dump?resource=dynamic_active_clusters&name_regex=.*pass.shop.*";
    await eventually(async () => assert.match(await front.page(15000, cluster), /ORIGINAL_DST/));
    const headers = { host: "pass.shop.svc.cluster.local:8080" };
    await eventually(async () => {
      const { status, body } = await front.one(direct, { headers });
      assert.equal(status, 200, body);
      assert.match(body, new RegExp(`URI=${caller}`));
    });
    await mesh.control.remove("destinationrule/pass", "shop");
    await mesh.control.remove("se/pass", "shop");
  });

  it("a workload with another service account cannot answer for a service", async () => {
    const impostor = await mesh.join("impostor", "shop/impostor", { echo: true });
    const bank = (account: string): string => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: bank, namespace: shop}
spec:
  hosts: [bank.shop.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports:
  - {number: 80, name: http, protocol: HTTP, targetPort: 8080}
  endpoints:
  - {address: ${impostor.host.address}, serviceAccount: ${account}, labels: {security.istio.io/tlsMode: istio}}
`;
    await mesh.control.apply(bank("bank"));
    await eventually(async () => assert.equal(await front.status("http://bank.shop.svc.cluster.local/"), 503));
    assert.ok(!impostor.echo.lines.some((line) => line.startsWith("GET")), "the impostor saw the request");
    // The same without the lie.
    await mesh.control.apply(bank("impostor"));
    await eventually(async () => assert.equal(await front.status("http://bank.shop.svc.cluster.local/"), 200));
    await mesh.control.remove("se/bank", "shop");
  });

  it("a token gives the identity of its group, whatever the request or the stream claims", async () => {
    const token = await mesh.control.token("shop/front");
    const probe = join(import.meta.dirname, "../kit/identity-probe.ts");
    const { stdout } = await outsider.host.run(process.execPath, [probe, mesh.control.url, token]);
    const { issued, streams } = JSON.parse(stdout) as IdentityProbe;
    assert.equal(issued, `URI:${caller}`);
    const [own, other, anonymous] = streams;
    assert.deepEqual(own, { claim: "shop", certificate: true, end: null });
    // PERMISSION_DENIED and UNAUTHENTICATED
    assert.equal(other?.end?.code, 7, JSON.stringify(other));
    assert.match(other?.end?.message ?? "", /namespace bank/);
    assert.equal(anonymous?.end?.code, 16, JSON.stringify(anonymous));
  });

  it("nothing that it was sent was rejected", () => mesh.assertNothingRejected());
});
