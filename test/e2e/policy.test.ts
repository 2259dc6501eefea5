// Permissions: who may do what, and that a policy taken away is gone.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

const url = "http://echo.shop.svc.cluster.local";
const tcp = "tcp://echo.shop.svc.cluster.local:9000";

describe("an authorization policy", rootOnly, () => {
  let mesh: Mesh;
  /** Service account `front` in namespace `shop`. */
  let front: Machine;
  let echo: Machine;
  /** Service account `guest` in namespace `lobby`. */
  let guest: Machine;

  before(async () => {
    const groups = workloadGroup("front") + workloadGroup("guest", { namespace: "lobby" }) + workloadGroup("echo");
    mesh = await Mesh.start({ objects: groups + meshService("echo") + peerAuthentication("STRICT") });
    echo = await mesh.join("echo-1", "shop/echo", { echo: true });
    front = await mesh.join("front", "shop/front");
    guest = await mesh.join("guest", "lobby/guest");
  });
  after(() => mesh?.stop());

  /** Applies the policy `name` for `echo`, runs the checks until they hold, and takes it away again. */
  async function under(spec: string, check: () => Promise<void>, name = "test"): Promise<void> {
    await mesh.control.apply(policy(spec, name));
    await eventually(check, { withinMs: 8000 });
    await mesh.control.remove(`authorizationpolicy/${name}`, "shop");
    await eventually(async () => {
      assert.equal(await guest.status(`${url}/free`), 200);
      assert.equal(await front.status(`${url}/free`), 200);
    });
  }

  const policy = (spec: string, name: string): string => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {matchLabels: {app: echo}}
  ${spec.trim()}
---
`;

  it("allows a principal, and refuses others with 403", async () => {
    await under('rules: [{from: [{source: {principals: ["cluster.local/ns/shop/sa/front"]}}]}]', async () => {
      assert.equal(await guest.status(`${url}/`), 403);
      assert.equal(await front.status(`${url}/`), 200);
      const { body } = await guest.one(`${url}/`);
      assert.equal(body, "RBAC: access denied");
    });
  });

  it("allows a namespace", async () => {
    await under("rules: [{from: [{source: {namespaces: [lobby]}}]}]", async () => {
      assert.equal(await front.status(`${url}/`), 403);
      assert.equal(await guest.status(`${url}/`), 200);
    });
  });

  it("allows a method and a path, by exact value and by prefix", async () => {
    await under('rules: [{to: [{operation: {methods: [GET], paths: ["/open", "/docs/*"]}}]}]', async () => {
      assert.equal(await guest.status(`${url}/secret`), 403);
      assert.equal(await guest.status(`${url}/open`), 200);
      assert.equal(await guest.status(`${url}/docs/a`), 200);
      assert.equal(await guest.status(`${url}/open`, { method: "POST" }), 403);
      // What the server would read as another path is judged as that path.
      assert.equal(await guest.status(`${url}/docs/../secret`), 403);
      assert.equal(await guest.status(`${url}/docs/%2e%2e/secret`), 403);
    });
  });

  it("allows a request by its header", async () => {
    await under('rules: [{when: [{key: "request.headers[x-team]", values: [blue]}]}]', async () => {
      assert.equal(await guest.status(`${url}/`), 403);
      assert.equal(await guest.status(`${url}/`, { headers: { "x-team": "blue" } }), 200);
      assert.equal(await guest.status(`${url}/`, { headers: { "x-team": "red" } }), 403);
    });
  });

  it("denies a request for having a header, though it be empty", async () => {
    await under('action: DENY\n  rules: [{when: [{key: "request.headers[x-evil]", values: ["*"]}]}]', async () => {
      assert.equal(await guest.status(`${url}/`, { headers: { "x-evil": "1" } }), 403);
      assert.equal(await guest.status(`${url}/`, { headers: { "x-evil": "" } }), 403);
      assert.equal(await guest.status(`${url}/`), 200);
    });
  });

  it("denies what another one allows", async () => {
    await mesh.control.apply(policy("rules: [{}]", "everything"));
    await under('action: DENY\n  rules: [{to: [{operation: {paths: ["/admin*"]}}]}]', async () => {
      assert.equal(await front.status(`${url}/admin/x`), 403);
      assert.equal(await front.status(`${url}/`), 200);
    });
    await mesh.control.remove("authorizationpolicy/everything", "shop");
  });

  it("closes connections of a TCP port to those it does not allow", async () => {
    const rules =
      'rules: [{from: [{source: {principals: ["cluster.local/ns/shop/sa/front"]}}], to: [{operation: {ports: ["9000"]}}]}, {to: [{operation: {ports: ["8080"]}}]}]';
    await under(rules, async () => {
      assert.equal(await guest.status(tcp), 0);
      assert.equal(await front.status(tcp), 200);
      assert.equal(await guest.status(`${url}/`), 200);
    });
    assert.equal(await guest.status(tcp), 200);
  });

  it("holds for each of two instances on one machine, and both are called", async () => {
    const second = await echo.startRootEcho("echo-1-second", 8081);
    const instance = (name: string, port: number): string => `apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: ${name}, namespace: shop}
spec:
  address: ${echo.host.address}
  labels: {app: twin}
  serviceAccount: echo
  ports: {http: ${port}, tcp: ${port + 10_000}}
---
`;
    await mesh.control.apply(meshService("twin") + instance("twin-1", 8080) + instance("twin-2", 8081));
    await under("rules: [{to: [{operation: {methods: [GET]}}]}]", async () => {
      const { names, statuses } = await front.call({ url: "http://twin.shop.svc.cluster.local/", count: 40 });
      assert.deepEqual(Object.keys(statuses), ["200"]);
      assert.deepEqual(Object.keys(names).sort(), ["echo-1", "echo-1-second"]);
      assert.equal(await front.status("http://twin.shop.svc.cluster.local/", { method: "POST" }), 403);
    });
    for (const name of ["se/twin", "we/twin-1", "we/twin-2"]) await mesh.control.remove(name, "shop");
    await second.stop();
  });

  it("without rules lets nobody in", async () => {
    await under("action: ALLOW", async () => {
      assert.equal(await front.status(`${url}/`), 403);
      assert.equal(await front.status(tcp), 0);
    });
  });

  it("nothing that it was sent was rejected", () => mesh.assertNothingRejected());
});
