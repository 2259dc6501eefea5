// People's fingers know kubectl: the real one works against the configuration API, with no Kubernetes.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openAuthority } from "../../src/ca/authority.ts";
import { controlPlaneNames } from "../../src/ca/server-names.ts";
import { Graph } from "../../src/collection/graph.ts";
import { Join } from "../../src/collection/join.ts";
import { parseTrustDomain } from "../../src/identity/trust-domain.ts";
import { systemClock as clock } from "../../src/kernel/clock.ts";
import { Lifecycle } from "../../src/kernel/lifecycle.ts";
import { createLog } from "../../src/kernel/log.ts";
import { Metrics } from "../../src/kernel/metric.ts";
import { systemRandom as random } from "../../src/kernel/random.ts";
import { adminKubeconfig } from "../../src/serve/api/admin-kubeconfig.ts";
import { clientCertificateAuthenticator } from "../../src/serve/api/api-identity.ts";
import { ApiServer } from "../../src/serve/api/api-server.ts";
import { openConfigApi } from "../../src/serve/api/config-api.fake.ts";
import { watchConfigFolder } from "../../src/sources/files/config-folder.ts";
import { watchStoredObjects } from "../../src/sources/store/stored-objects.ts";
import { openSqliteStore } from "../../src/store/sqlite-store.ts";
import { buildKubectl } from "../kit/kubectl-build.ts";
import { type Program, startProgram } from "../kit/program.ts";

const kubectl = await buildKubectl((line) => console.error(line));
if ("missing" in kubectl)
  console.error(`NOT TESTED: kubectl against the configuration API, because ${kubectl.missing}`);

const source = "Kubernetes";
const manifest = (weight: number): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: shop
spec:
  hosts: [reviews.shop.svc.cluster.local]
  http:
  - route:
    - destination: {host: reviews.shop.svc.cluster.local, subset: v1}
      weight: ${weight}
    - destination: {host: reviews.shop.svc.cluster.local, subset: v2}
      weight: ${100 - weight}
`;

describe("kubectl works against the configuration API", {
  skip: "missing" in kubectl ? kubectl.missing : false,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "lateen-kubectl-"));
  const lifecycle = new Lifecycle();
  const kubeconfig = join(folder, "admin.kubeconfig");

  before(async () => {
    const log = createLog("error");
    const uid = process.getuid?.();
    const metrics = new Metrics();
    mkdirSync(join(folder, "conf"));
    const trustDomain = parseTrustDomain("cluster.local");
    const authority = lifecycle.add(
      await openAuthority({ dataFolder: join(folder, "data"), trustDomain, clock, random, log, uid }),
    );
    const certificate = await authority.signServer(controlPlaneNames("istio-system", []));
    const admin = await authority.signAdmin();
    const graph = new Graph();
    const store = lifecycle.add(await openSqliteStore({ folder: join(folder, "data", "store"), log, uid }));
    const stored = lifecycle.add(await watchStoredObjects(store, graph, { source }));
    const files = lifecycle.add(watchConfigFolder(join(folder, "conf"), { graph, clock, log, source }));
    await files.ready;
    const { handler, ...api } = await openConfigApi({
      objects: new Join("objects", [files.objects, stored.objects]),
      store,
      authenticator: clientCertificateAuthenticator(clock),
      hostNames: [],
      version: {
        version: "0.1.0",
        controlPlane: "test",
        trustDomain: "cluster.local",
        rootNamespace: "istio-system",
        clusterId: source,
      },
      clock,
      random,
      log,
      metrics,
    });
    lifecycle.add(api);
    const clientAuthority = admin.roots;
    const server = lifecycle.add(
      await ApiServer.listen({ host: "127.0.0.1", port: 0, certificate, clientAuthority, handler }),
    );
    const access = adminKubeconfig({
      server: `https://127.0.0.1:${server.port}`,
      serverRoots: certificate.roots,
      certificate: admin.chain.join(""),
      key: admin.key,
    });
    writeFileSync(kubeconfig, access.reveal(), { mode: 0o600 });
  });
  after(async () => {
    await lifecycle.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(args: readonly string[], input?: string, env: Record<string, string> = {}): Program {
    const path = "path" in kubectl ? kubectl.path : "";
    return startProgram(path, args, {
      env: { KUBECONFIG: kubeconfig, HOME: folder, ...env },
      ...(input === undefined ? {} : { input }),
    });
  }

  /** The whole output of one call; `fails` expects another exit status than 0. */
  async function run(
    line: string | readonly string[],
    options: { input?: string; fails?: boolean; env?: Record<string, string> } = {},
  ): Promise<string> {
    const program = start(typeof line === "string" ? line.split(" ") : line, options.input, options.env);
    const status = await program.ended;
    const output = program.lines.join("\n");
    assert.equal(status !== 0, options.fails === true, output);
    return output;
  }

  const apply = (text: string, ...flags: string[]): Promise<string> =>
    run(["apply", "-f", "-", ...flags], { input: text });

  test("it finds every kind, and explains their fields", async () => {
    const resources = await run("api-resources");
    assert.match(resources, /virtualservices +vs +networking\.istio\.io\/v1 +true +VirtualService/);
    assert.match(resources, /namespaces +ns +v1 +false +Namespace/);
    const explained = await run("explain vs.spec.http.retries");
    assert.match(explained, /attempts\s+<integer>/);
    assert.match(await run("explain vs.spec.hosts --api-version=networking.istio.io/v1beta1"), /VERSION: +v1beta1/);
  });

  test("create, apply, dry run, diff and delete", async () => {
    assert.match(await run(["create", "-f", "-"], { input: manifest(90) }), /reviews created/);
    assert.match(await run(["create", "-f", "-"], { input: manifest(90), fails: true }), /AlreadyExists/);
    await apply(manifest(90));
    assert.match(await apply(manifest(90)), /reviews unchanged/);
    assert.match(await apply(manifest(80), "--dry-run=server"), /reviews configured \(server dry run\)/);
    assert.match(await apply(manifest(80), "--dry-run=client"), /reviews configured \(dry run\)/);
    const difference = await run(["diff", "-f", "-"], { input: manifest(80), fails: true });
    assert.match(difference, /-\s+weight: 90\n\+\s+weight: 80/);
    assert.match(await apply(manifest(80)), /reviews configured/);
    const yaml = await run("get vs reviews -n shop -o yaml");
    assert.match(yaml, /weight: 80/);
    assert.match(yaml, /generation: 2/);
    assert.match(await run("delete vs reviews -n shop --dry-run=server"), /server dry run/);
    assert.match(await run("delete vs reviews -n shop"), /deleted/);
    assert.match(await run("get vs -n shop"), /No resources found/);
  });

  test("tables, selectors, names, versions and pages", async () => {
    await apply(manifest(90));
    assert.match(await run("get vs -A"), /NAMESPACE +NAME +GATEWAYS +HOSTS +AGE\nshop +reviews +\["reviews/);
    assert.equal(await run("get vs -n shop -o name"), "virtualservice.networking.istio.io/reviews");
    await run("label vs reviews -n shop team=a");
    await run("annotate vs reviews -n shop note=b");
    assert.match(await run(["get", "vs", "-n", "shop", "-l", "team in (a,b)"]), /reviews/);
    assert.match(await run("get vs -n shop -l team=b"), /No resources found/);
    assert.match(await run("get vs -A --field-selector metadata.name=reviews --chunk-size=1"), /reviews/);
    const old = [
      "get",
      "virtualservices.v1alpha3.networking.istio.io",
      "reviews",
      "-n",
      "shop",
      "-o",
      "jsonpath={.apiVersion}",
    ];
    assert.equal(await run(old), "networking.istio.io/v1alpha3");
    assert.match(await run("describe vs reviews -n shop"), /Annotations: +.*note: b|note: b/);
    await run("delete vs --all -n shop");
  });

  test("a mistake is refused with the path of the field", async () => {
    const typo = manifest(90).replace("hosts:", "hosst:");
    const refused = await run(["apply", "-f", "-"], { input: typo, fails: true });
    assert.match(refused, /strict decoding error: unknown field "spec\.hosst" \(did you mean hosts\?\)/);
    const wrong = manifest(90).replace("weight: 90", "weight: ninety");
    assert.match(
      await run(["apply", "-f", "-"], { input: wrong, fails: true }),
      /spec\.http\[0\]\.route\[0\]\.weight: .*must be of type integer/,
    );
    const pending = manifest(90).replace("  - route:", "  - delegate: {name: other}\n  - route:");
    assert.match(await apply(pending), /Warning: LAT1010 spec\.http\[0\]\.delegate/);
    await run("delete vs reviews -n shop");
  });

  test("server-side apply: created, shared, refused in conflict, forced", async () => {
    assert.match(await apply(manifest(90), "--server-side"), /serverside-applied/);
    assert.match(await apply(manifest(90), "--server-side", "--field-manager=ops"), /serverside-applied/);
    const conflict = await run(["apply", "--server-side", "--field-manager=ops", "-f", "-"], {
      input: manifest(70),
      fails: true,
    });
    assert.match(conflict, /conflict with "kubectl".*\.spec\.http/);
    assert.match(await apply(manifest(70), "--server-side", "--field-manager=ops", "--force-conflicts"), /applied/);
    assert.match(await run("get vs reviews -n shop -o yaml --show-managed-fields"), /manager: ops/);
    await run("delete vs reviews -n shop");
    // From client-side to server-side apply and on.
    await apply(manifest(90));
    assert.match(await apply(manifest(80), "--server-side"), /serverside-applied/);
    assert.match(await apply(manifest(60), "--server-side"), /serverside-applied/);
    await run("delete vs reviews -n shop");
  });

  test("patch, edit, replace and wait", async () => {
    await apply(manifest(90));
    await run(["patch", "vs", "reviews", "-n", "shop", "--type", "merge", "-p", '{"spec":{"exportTo":["."]}}']);
    const operations = '[{"op":"replace","path":"/spec/exportTo/0","value":"*"}]';
    await run(["patch", "vs", "reviews", "-n", "shop", "--type", "json", "-p", operations]);
    const strategic = ["patch", "vs", "reviews", "-n", "shop", "-p", "{}"];
    assert.match(await run(strategic, { fails: true }), /strategic-merge-patch\+json is not supported/);
    await run("edit vs reviews -n shop", { env: { EDITOR: "sed -i /weight:/s/90/50/" } });
    assert.match(await run("get vs reviews -n shop -o yaml"), /weight: 50/);
    await run("wait vs/reviews -n shop --for=jsonpath={.spec.exportTo[0]}=* --timeout=10s");
    assert.match(await run(["replace", "-f", "-"], { input: manifest(40) }), /replaced/);
    await run("delete vs reviews -n shop");
  });

  test("a watch shows what happens, as it happens", async () => {
    const watch = start(["get", "vs", "-n", "shop", "-w", "--output-watch-events"]);
    try {
      await apply(manifest(90));
      await watch.line(/ADDED +reviews/);
      await apply(manifest(80));
      await watch.line(/MODIFIED +reviews/);
      await run("delete vs reviews -n shop");
      await watch.line(/DELETED +reviews/);
    } finally {
      await watch.stop();
    }
  });

  test("namespaces are made, labelled and deleted", async () => {
    assert.match(await run("create namespace extra"), /created/);
    assert.match(
      await apply("{apiVersion: v1, kind: Namespace, metadata: {name: extra, labels: {a: b}}}"),
      /configured/,
    );
    assert.match(await run("get ns --show-labels"), /extra +Active +\S+ +a=b/);
    assert.match(await run("label ns default istio.io/rev=x"), /labeled/);
    assert.match(await run("delete ns extra"), /deleted/);
    assert.match(await run("get ns extra", { fails: true }), /NotFound/);
  });

  test("what a file defines is shown, and a change is refused with its place", async () => {
    const watch = start(["get", "vs", "-A", "-w", "--output-watch-events"]);
    try {
      writeFileSync(join(folder, "conf", "shop.yaml"), `# shop\n${manifest(90).trim()}\n`);
      await watch.line(/ADDED +shop +reviews/);
      const refused = await run("label vs reviews -n shop a=b", { fails: true });
      assert.match(refused, /read-only: defined in .*shop\.yaml:2, change it there/);
      rmSync(join(folder, "conf", "shop.yaml"));
      await watch.line(/DELETED +shop +reviews/);
    } finally {
      await watch.stop();
    }
  });

  test("without the administrator's certificate nothing is shown", async () => {
    const config = JSON.parse(readFileSync(kubeconfig, "utf8")) as { users: { user: object }[] };
    for (const each of config.users) each.user = { token: "guessed" };
    const other = join(folder, "other.kubeconfig");
    writeFileSync(other, JSON.stringify(config));
    assert.match(await run("get vs -A", { fails: true, env: { KUBECONFIG: other } }), /Unauthorized/);
  });
});
