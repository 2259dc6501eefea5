import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { FakeApiServer, status } from "../api/api-server.fake.ts";
import { run } from "../run.fake.ts";

let server: FakeApiServer;
let folder: string;
before(async () => {
  server = await FakeApiServer.start();
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = mkdtempSync(join(tmpdir(), "lateen-apply-"));
  server.objects.clear();
  server.requests.length = 0;
  server.warnings = [];
  server.route = () => undefined;
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const service = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: reviews
spec:
  hosts: [reviews.shop.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports:
  - {number: 80, name: http, protocol: HTTP}
  endpoints:
  - address: 10.0.0.1
`;
const route = (timeout: string, host = "reviews"): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
  - timeout: ${timeout}
    route:
    - destination:
        host: ${host}
`;

describe("apply", () => {
  test("creates, leaves alone, and configures", async () => {
    const path = file("mesh.yaml", `${service}---\n${route("1s")}`);
    const first = await run(["apply", "-f", path], { server });
    assert.deepEqual(first, {
      status: 0,
      stdout: "serviceentry.networking.istio.io/reviews created\nvirtualservice.networking.istio.io/reviews created\n",
      stderr: "",
    });
    const again = await run(["apply", "-f", path], { server });
    assert.equal(
      again.stdout,
      "serviceentry.networking.istio.io/reviews unchanged\nvirtualservice.networking.istio.io/reviews unchanged\n",
    );
    assert.equal(server.writes.length, 2);
    file("mesh.yaml", `${service}---\n${route("2s")}`);
    const third = await run(["apply", "-f", path], { server });
    assert.equal(
      third.stdout,
      "serviceentry.networking.istio.io/reviews unchanged\nvirtualservice.networking.istio.io/reviews configured\n",
    );
    const [patch] = server.writes.slice(2);
    assert.equal(patch?.method, "PATCH");
    assert.equal(patch?.headers["content-type"], "application/merge-patch+json");
    assert.equal(patch?.query.get("fieldValidation"), "Strict");
    assert.equal(patch?.query.get("fieldManager"), "lateen");
    assert.match(patch?.body ?? "", /"timeout":"2s"/);
  });

  test("removes what it applied before, and keeps what others set", async () => {
    const path = file("vs.yaml", `${service}---\n${route("1s")}`);
    await run(["apply", "-f", path], { server });
    const stored = server.objects.get("virtualservices/shop/reviews");
    assert.ok(stored !== undefined);
    server.put({ ...stored, metadata: { ...stored.metadata, labels: { by: "other" } } });
    file(
      "vs.yaml",
      `${service}---\n${route("1s").replace("  hosts: [reviews]\n", "  hosts: [reviews]\n  exportTo: ['*']\n")}`,
    );
    await run(["apply", "-f", path], { server });
    file("vs.yaml", `${service}---\n${route("1s")}`);
    await run(["apply", "-f", path], { server });
    const after = server.objects.get("virtualservices/shop/reviews");
    assert.deepEqual(after?.metadata["labels"], { by: "other" });
    assert.deepEqual(Object.keys(after?.["spec"] as object), ["hosts", "http"]);
  });

  test("nothing is sent while any object is wrong, and every problem has its line", async () => {
    const path = file(
      "bad.yaml",
      `${service}---\n${route("fast").replace("hosts", "host")}---\nkind: Nope\napiVersion: v1\nmetadata: {name: x}\n`,
    );
    const ran = await run(["apply", "-f", path], { server });
    assert.equal(ran.status, 1);
    assert.equal(ran.stdout, "");
    assert.deepEqual(server.requests, []);
    const lines = ran.stderr.split("\n").map((line) => line.replace(`${folder}/`, ""));
    assert.deepEqual(lines.slice(0, 2), [
      "bad.yaml:19: error LAT1002 VirtualService shop/reviews spec.host: unknown field (Did you mean hosts?)",
      "bad.yaml:26: error LAT1008 Nope x kind: v1 Nope is not served",
    ]);
    assert.match(ran.stderr, /error LAT9010: \d+ errors; nothing was sent\n {2}Correct what is listed above/);
  });

  test("--dry-run=client needs no server, finds dangling references, and fails on them with --strict", async () => {
    const path = file("vs.yaml", route("1s", "nowhere"));
    const env = { LATEEN_KUBECONFIG: "/nonexistent" };
    const ran = await run(["apply", "-f", path, "--dry-run=client", "-n", "shop"], { env });
    assert.equal(ran.status, 0);
    assert.equal(ran.stdout, "virtualservice.networking.istio.io/reviews valid (dry run)\n");
    assert.equal(
      ran.stderr,
      `${path}:11: warning IST0101 VirtualService shop/reviews spec.http[0].route[0].destination.host: there is no service with the host nowhere.shop.svc.cluster.local among these files (Create a ServiceEntry for it, or correct the host. --dry-run=server looks at the mesh, too.)\n`,
    );
    const strict = await run(["apply", "-f", path, "--dry-run=client", "--strict"], { env });
    assert.equal(strict.status, 1);
    assert.equal(strict.stdout, "");
    assert.match(strict.stderr, /error LAT9010: 1 warning with --strict; nothing was sent/);
  });

  test("references are looked up on the server too, and only what was given is complained of", async () => {
    server.put({
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "dangling" },
      spec: { hosts: ["x"], http: [{ route: [{ destination: { host: "nowhere" } }] }] },
    });
    const path = file("vs.yaml", route("1s"));
    const warned = await run(["apply", "-f", path, "--strict"], { server });
    assert.equal(warned.status, 1);
    assert.match(warned.stderr, /IST0101 VirtualService shop\/reviews/);
    assert.doesNotMatch(warned.stderr, /dangling/);
    assert.deepEqual(server.writes, []);
    await run(["apply", "-f", file("se.yaml", service)], { server });
    assert.deepEqual(await run(["apply", "-f", path, "--strict"], { server }), {
      status: 0,
      stdout: "virtualservice.networking.istio.io/reviews created\n",
      stderr: "",
    });
  });

  test("--dry-run=server asks the server and changes nothing", async () => {
    const ran = await run(["apply", "-f", file("se.yaml", service), "--dry-run=server"], { server });
    assert.equal(ran.stdout, "serviceentry.networking.istio.io/reviews created (server dry run)\n");
    assert.equal(server.writes[0]?.query.get("dryRun"), "All");
    assert.equal(server.objects.size, 0);
  });

  test("warnings of the server are printed once; with --strict they fail", async () => {
    server.warnings = ['spec.x is "old"', "é"];
    const path = file(
      "two.yaml",
      `${service}---\n${service.replace("name: reviews", "name: other").replaceAll("reviews.shop", "other.shop")}`,
    );
    const ran = await run(["apply", "-f", path], { server });
    assert.equal(ran.status, 0);
    assert.equal(ran.stderr, 'warning: spec.x is "old"\nwarning: é\n');
    const strict = await run(
      ["apply", "-f", file("c.yaml", service.replace("name: reviews", "name: third")), "--strict"],
      { server },
    );
    assert.equal(strict.status, 1);
  });

  test("what was found here is not repeated from the server, and references that may not be listed are left out", async () => {
    const path = file("vs.yaml", route("1s", "nowhere"));
    server.warnings = ["IST0101 spec.http[0].route[0].destination.host: nowhere is unknown", "something else"];
    const ran = await run(["apply", "-f", path], { server });
    assert.match(ran.stderr, /^.*vs\.yaml:11: warning IST0101 .*\nwarning: something else\n$/);
    server.route = ({ path: asked, method }) =>
      method === "GET" && asked === "/apis/networking.istio.io/v1/serviceentries"
        ? { status: 403, body: status(403, "Forbidden", "namespaces only") }
        : undefined;
    const narrow = await run(["apply", "-f", file("vs2.yaml", route("2s", "nowhere"))], { server });
    assert.equal(narrow.status, 0);
    assert.match(narrow.stderr, /^note: references to objects on the server were not checked: .*namespaces only/);
  });

  test("what the server refuses is placed in the file, and does not keep the others from being sent", async () => {
    server.route = ({ method, path }) =>
      method === "POST" && path.endsWith("/virtualservices")
        ? {
            status: 422,
            body: status(422, "Invalid", "is invalid", [
              { field: "spec.http[0].timeout", message: "too long", reason: "FieldValueInvalid" },
            ]),
          }
        : undefined;
    const path = file("mesh.yaml", `${route("1s")}---\n${service}`);
    const ran = await run(["apply", "-f", path], { server });
    assert.equal(ran.status, 1);
    assert.equal(ran.stdout, "serviceentry.networking.istio.io/reviews created\n");
    assert.equal(ran.stderr, `${path}:8: error LAT9006 VirtualService shop/reviews spec.http[0].timeout: too long\n`);
  });

  test("folders, -R, several -f, standard input, and one object in two files", async () => {
    file("mesh/a.yaml", service);
    file("mesh/notes.txt", "not yaml: [");
    file("mesh/deep/b.yml", route("1s"));
    const flat = await run(["apply", "-f", join(folder, "mesh"), "--dry-run=client", "-o", "name"]);
    assert.equal(flat.stdout, "serviceentry.networking.istio.io/reviews\n");
    const deep = await run(["apply", "-R", "-f", join(folder, "mesh"), "--dry-run=client", "-o", "name"]);
    assert.equal(deep.stdout, "serviceentry.networking.istio.io/reviews\nvirtualservice.networking.istio.io/reviews\n");
    const piped = await run(["apply", "-f", "-", "-f", join(folder, "mesh"), "--dry-run=client", "-n", "shop"], {
      stdin: route("x"),
    });
    assert.match(
      piped.stderr,
      /^stdin:8: error LAT1007 VirtualService shop\/reviews spec\.http\[0\]\.timeout: must be a duration/,
    );
    const twice = await run(["apply", "-f", "-", "-f", join(folder, "mesh"), "--dry-run=client"], { stdin: service });
    assert.equal(twice.status, 1);
    assert.match(
      twice.stderr,
      /mesh\/a\.yaml:4: error LAT1012 ServiceEntry default\/reviews metadata\.name: is defined at stdin:1 already/,
    );
  });

  test("a namespace on the command line must not contradict the object", async () => {
    const path = file("se.yaml", service.replace("name: reviews", "name: reviews\n  namespace: web"));
    const ran = await run(["apply", "-f", path, "-n", "shop"], { server });
    assert.equal(ran.status, 1);
    assert.match(
      ran.stderr,
      /se\.yaml:5: error LAT9011 ServiceEntry web\/reviews metadata\.namespace: the command line says namespace shop, the object web/,
    );
    assert.deepEqual(server.requests, []);
  });

  test("--server-side sends the whole object as an apply patch", async () => {
    const ran = await run(["apply", "--server-side", "--force-conflicts", "-f", file("se.yaml", service)], { server });
    assert.equal(ran.stdout, "serviceentry.networking.istio.io/reviews serverside-applied\n");
    const [patch] = server.writes;
    assert.equal(patch?.headers["content-type"], "application/apply-patch+yaml");
    assert.equal(patch?.query.get("force"), "true");
    assert.equal((JSON.parse(patch?.body ?? "") as { metadata: { namespace: string } }).metadata.namespace, "shop");
  });

  test("-o yaml prints the objects as the server has them", async () => {
    const ran = await run(["apply", "-f", file("se.yaml", service), "-o", "yaml"], { server });
    assert.match(ran.stdout, /^apiVersion: networking\.istio\.io\/v1\nkind: ServiceEntry\n/);
    assert.match(ran.stdout, /resourceVersion:/);
  });

  test("files that cannot be read, or hold nothing, are errors", async () => {
    const missing = await run(["apply", "-f", join(folder, "none.yaml"), "--dry-run=client"]);
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /error LAT9009: there is no file or folder .*none\.yaml/);
    assert.equal((await run(["apply", "-f", file("empty.yaml", "# nothing\n"), "--dry-run=client"])).status, 1);
    assert.equal((await run(["apply", "-f", folder, "--dry-run=client"])).status, 1);
    assert.equal((await run(["apply", "--dry-run=client"])).status, 2);
    assert.match(
      (await run(["apply", "-f", "https://x/y.yaml"])).stderr,
      /curl -fsS https:\/\/x\/y\.yaml \| lateen apply -f -/,
    );
    const bytes = join(folder, "latin1.yaml");
    writeFileSync(bytes, Buffer.from([0x61, 0xff]));
    assert.match((await run(["apply", "-f", bytes, "--dry-run=client"])).stderr, /is not UTF-8/);
  });
});

describe("create", () => {
  test("creates, and refuses what exists", async () => {
    const path = file("se.yaml", service);
    assert.equal(
      (await run(["create", "-f", path], { server })).stdout,
      "serviceentry.networking.istio.io/reviews created\n",
    );
    const again = await run(["create", "-f", path], { server });
    assert.equal(again.status, 1);
    assert.match(
      again.stderr,
      /se\.yaml:1: error LAT9006 ServiceEntry shop\/reviews: serviceentries\.networking\.istio\.io "reviews" already exists/,
    );
    const dry = await run(["create", "-f", path, "--dry-run=client"]);
    assert.equal(dry.stdout, "serviceentry.networking.istio.io/reviews created (dry run)\n");
  });
});

describe("delete", () => {
  beforeEach(async () => {
    await run(["apply", "-f", file("mesh.yaml", `${service}---\n${route("1s")}`)], { server });
    server.requests.length = 0;
  });

  test("a namespace that holds objects: the advice is to delete these", async () => {
    server.route = ({ method }) =>
      method === "DELETE" ? { status: 409, body: status(409, "Conflict", "objects are in it") } : undefined;
    const { stderr } = await run(["delete", "ns", "shop"], { server });
    assert.match(
      stderr,
      /objects are in it\n {2}Delete the objects in it first; lateen get all -n shop lists them\.\n$/,
    );
    server.route = () => undefined;
  });

  test("by name, by file, by label", async () => {
    assert.equal(
      (await run(["delete", "vs", "reviews"], { server })).stdout,
      'virtualservice.networking.istio.io "reviews" deleted\n',
    );
    const byFile = await run(["delete", "-f", file("broken.yaml", service.replace("STATIC", "STATICC"))], { server });
    assert.equal(byFile.stdout, 'serviceentry.networking.istio.io "reviews" deleted\n');
    assert.equal(server.objects.size, 0);
    server.put({
      apiVersion: "networking.istio.io/v1",
      kind: "ServiceEntry",
      metadata: { name: "a", labels: { t: "1" } },
    });
    server.put({
      apiVersion: "networking.istio.io/v1",
      kind: "ServiceEntry",
      metadata: { name: "b", labels: { t: "2" } },
    });
    assert.equal(
      (await run(["delete", "se", "-l", "t=1"], { server })).stdout,
      'serviceentry.networking.istio.io "a" deleted\n',
    );
    assert.deepEqual([...server.objects.keys()], ["serviceentries/shop/b"]);
  });

  test("what does not exist fails, unless that is fine; the rest is deleted", async () => {
    const ran = await run(["delete", "vs", "nope", "reviews"], { server });
    assert.equal(ran.status, 1);
    assert.equal(ran.stdout, 'virtualservice.networking.istio.io "reviews" deleted\n');
    assert.equal((await run(["delete", "vs", "nope", "--ignore-not-found"], { server })).status, 0);
  });

  test("nothing is deleted by accident", async () => {
    for (const argv of [
      ["delete"],
      ["delete", "vs"],
      ["delete", "all", "--all"],
      ["delete", "vs", "reviews", "--all"],
      ["delete", "vs", "-f", "x"],
    ]) {
      assert.equal((await run(argv, { server })).status, 2, argv.join(" "));
    }
    const dry = await run(["delete", "vs", "--all", "--dry-run=server"], { server });
    assert.equal(dry.stdout, 'virtualservice.networking.istio.io "reviews" deleted (server dry run)\n');
    await run(["delete", "vs", "--all", "--dry-run=client"], { server });
    assert.equal(server.objects.size, 2);
  });
});

describe("what proxies say", () => {
  const verdicts = (rejected: unknown) => (request: { path: string; query: URLSearchParams }) =>
    request.path === "/lateen/v1/verdicts" ? { body: { settled: true, rejected } } : undefined;

  test("is a warning after apply, and an error with --strict; the object is written", async () => {
    const path = file("route.yaml", route("1s"));
    const message = "spec.http[0].timeout: Envoy 1.40.0 rejects it";
    server.route = verdicts([{ object: "VirtualService/shop/reviews", messages: [message] }]);
    server.objects.clear();
    const first = await run(["apply", "-f", path], { server });
    assert.equal(first.status, 0);
    assert.match(first.stdout, /created$/m);
    assert.ok(first.stderr.endsWith(`warning: VirtualService shop/reviews: ${message}\n`), first.stderr);
    const asked = server.requests.find((request) => request.path === "/lateen/v1/verdicts");
    assert.deepEqual(asked?.query.getAll("object"), ["VirtualService/shop/reviews"]);
    assert.equal(asked?.query.get("wait"), "2000");
    file("route.yaml", `${service}---\n${route("2s")}`);
    assert.equal((await run(["apply", "-f", path, "--strict"], { server })).status, 1);
  });

  test("is not asked for with --wait=0s, without a change, in a dry run, nor of a server that does not know", async () => {
    const path = file("mesh.yaml", `${service}---\n${route("1s")}`);
    const asked = (): number => server.requests.filter(({ path: to }) => to === "/lateen/v1/verdicts").length;
    await run(["apply", "-f", path, "--dry-run=server"], { server });
    server.objects.clear();
    await run(["apply", "-f", path, "--wait=0s"], { server });
    await run(["apply", "-f", path], { server });
    assert.equal(asked(), 0);
    server.objects.clear();
    const unknown = await run(["apply", "-f", path], { server });
    assert.equal(asked(), 1);
    assert.deepEqual([unknown.status, unknown.stderr], [0, ""]);
  });
});
