// Whoever runs a control plane can stop it at any moment, and is told the cause of what does not work.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { PushSummary } from "../../src/contract/proxy-detail.ts";
import { ControlPlaneRun, lateenPath, runLateen } from "../kit/control-plane-run.ts";
import { workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import { MeshClient } from "../kit/mesh-client.ts";
import { startProgram } from "../kit/program.ts";

/** A watchdog for programs that do not end, milliseconds. */
const endMs = 20_000;
const freePorts = ["--listen", "127.0.0.1", "--xds-port", "0", "--api-port", "0", "--metrics-port", "0"];

describe("lateen up", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "lateen-operator-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("ends when it is told to before it is ready", async () => {
    const program = startProgram(lateenPath, ["up", "--data-dir", join(folder, "early"), ...freePorts]);
    const watchdog = setTimeout(() => program.kill("SIGKILL"), endMs);
    await program.line(/made a new certificate authority/);
    process.kill(program.pid, "SIGTERM");
    assert.equal(await program.ended, 0);
    clearTimeout(watchdog);
    assert.ok(!program.lines.some((line) => line.startsWith("ready ")), program.lines.join("\n"));
  });

  const mistakes: [what: string, flags: string[], says: RegExp][] = [
    [
      "a MeshConfig that is not there",
      ["--mesh-config", "/nosuch.yaml"],
      /^error LAT1201: \/nosuch\.yaml cannot be read/m,
    ],
    [
      "a data folder that cannot be",
      ["--data-dir", "/proc/lateen"],
      /^error LAT5007: \/proc\/lateen\S+ cannot be used: its/m,
    ],
    [
      "an address that is not this host's",
      ["--listen", "192.0.2.1"],
      /^error LAT2109: .*: this host has no such address/m,
    ],
    ["no address", ["--listen", "foo.invalid"], /^error LAT2109: cannot listen on foo\.invalid:/m],
  ];
  for (const [index, [what, flags, says]] of mistakes.entries()) {
    it(`names ${what} and what to do`, async () => {
      const { status, stderr } = await runLateen([
        "up",
        "--data-dir",
        join(folder, `${index}`),
        ...freePorts,
        ...flags,
      ]);
      assert.equal(status, 1);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /fault of lateen/);
    });
  }
});

describe("the configuration API", () => {
  const run = new ControlPlaneRun();
  after(() => run.stop());

  it("is reached from elsewhere with the kubeconfig alone, where the operator opens it", async () => {
    const { api } = await run.up("--api-listen", "127.0.0.2");
    assert.match(api, /^https:\/\/127\.0\.0\.2:\d+$/);
    assert.ok(readFileSync(run.kubeconfig, "utf8").includes(api));
    const { status, stdout } = await run.lateen("get", "namespaces");
    assert.equal(status, 0);
    assert.match(stdout, /^default /m);
  });

  it("takes a join token back", async () => {
    writeFileSync(join(run.configDir, "group.yaml"), workloadGroup("web"));
    const made = await eventually(async () => {
      const ran = await run.lateen("token", "create", "--group", "shop/web");
      assert.equal(ran.status, 0, ran.stderr);
      return ran;
    });
    const id = /^Token (\w+): /.exec(made.stderr)?.[1] ?? "";
    assert.ok(made.stderr.includes(`lateen join ${run.addresses.xds} --token`), made.stderr);
    assert.match((await run.lateen("token", "list")).stdout, new RegExp(`^${id} `, "m"));
    assert.deepEqual(await run.lateen("token", "delete", id), {
      ...{ status: 0, stdout: `token "${id}" deleted\n`, stderr: "" },
    });
    assert.equal((await run.lateen("token", "list")).stderr, "No tokens found.\n");
    const again = await run.lateen("token", "delete", id);
    assert.equal(again.status, 1);
    assert.match(again.stderr, /there is no join token/);
  });
});

describe("an object with problems", () => {
  const run = new ControlPlaneRun();
  after(() => run.stop());
  const file = join(run.configDir, "web.yaml");
  const service = (destination: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.example]
  http:
    - route:
        - destination: {host: ${destination}}
`;

  it("says so in its description, whether others or its file are at fault", async () => {
    writeFileSync(file, service("gone.example"));
    await run.up();
    const described = async (pattern: RegExp): Promise<void> =>
      eventually(async () => {
        const { stdout } = await run.lateen("describe", "vs", "web", "-n", "shop");
        assert.match(stdout, pattern);
      });
    await described(/Problems:\n {2}warning IST0101 spec\.http\[0\]\.route\[0\]\.destination\.host: /);
    await run.program.line(/web\.yaml:8: warning IST0101/);
    writeFileSync(file, service("[]"));
    await described(/Problems:\n {2}error LAT1\d{3} \S+web\.yaml:8: spec\.http/);
    const { stdout, stderr } = await run.lateen("get", "vs", "-A");
    assert.match(stdout, /^shop +web /m);
    writeFileSync(join(run.configDir, "new.yaml"), service("[]").replace("name: web", "name: new"));
    await run.program.line(/new\.yaml:8: error LAT1/);
    const never = await run.lateen("get", "vs", "new", "-n", "shop");
    assert.equal(never.status, 1);
    assert.match(never.stderr, /^warning: not taken: \S+new\.yaml:8: error LAT1\d{3} VirtualService shop\/new /m);
    assert.match(stderr, /^warning: not taken: \S+web\.yaml:8: error LAT1\d{3} VirtualService shop\/web /m);
  });
});

describe("what a proxy was sent last", () => {
  const run = new ControlPlaneRun();
  const proxy = new MeshClient();
  after(async () => {
    await proxy.close();
    await run.stop();
  });
  const file = join(run.configDir, "web.yaml");
  const service = (timeout: string): string => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.example]
  http:
    - timeout: ${timeout}
      route:
        - destination: {host: web.example}
`;

  it("is explained by the object and the field that changed", async () => {
    writeFileSync(file, service("1s"));
    const { plaintext } = await run.up();
    proxy.connect(plaintext, { id: "sidecar~10.0.0.9~caller.shop~shop.svc.cluster.local" });
    await proxy.until(() => proxy.isComplete);
    const first = await run.lateen("proxy-status", "caller.shop");
    assert.match(first.stdout, /RDS was last sent \d+s ago, 80: the proxy asked for it/);
    const before = proxy.held.route.get("80")?.version;
    writeFileSync(file, service("2s"));
    await proxy.until(() => proxy.held.route.get("80")?.version !== before);
    const { stdout, status } = await run.lateen("proxy-status", "caller.shop");
    assert.equal(status, 0);
    assert.match(
      stdout,
      /RDS was last sent \d+s ago, 80\n {2}because VirtualService\/shop\/web was changed: spec\.http\[0\]\.timeout\n/,
    );
    const pushes = JSON.parse((await run.lateen("debug", "pushes?type=RDS&limit=1")).stdout) as PushSummary[];
    assert.deepEqual([pushes[0]?.reason, pushes[0]?.proxies, pushes[0]?.why[0]?.change], ["config", 1, "changed"]);
  });

  it("is explained by an endpoint that came, and by an object that went", async () => {
    const endpoints = join(run.configDir, "more.yaml");
    const other = service("1s").replaceAll("web", "other").split("---")[0] ?? "";
    writeFileSync(endpoints, other);
    await proxy.until(() => [...proxy.held.cluster.keys()].some((name) => name.includes("other.example")));
    rmSync(endpoints);
    await proxy.until(() => ![...proxy.held.cluster.keys()].some((name) => name.includes("other.example")));
    await eventually(async () => {
      const { stdout } = await run.lateen("proxy-status", "caller.shop");
      assert.match(
        stdout,
        /CDS was last sent .* ago, outbound\|80\|\|other\.example removed\n {2}because ServiceEntry\/shop\/other was deleted\n/,
      );
    });
  });

  it("is shown as a config dump, though nobody asked the machine", async () => {
    const dump = await run.lateen("debug", "config_dump?proxyID=caller.shop&include_eds");
    assert.equal(dump.status, 0, dump.stderr);
    const saved = join(run.folder, "dump.json");
    writeFileSync(saved, dump.stdout);
    assert.match((await runLateen(["pc", "cluster", "--file", saved])).stdout, /^web\.example +80 .* outbound +EDS/m);
    assert.match((await runLateen(["pc", "route", "--file", saved])).stdout, /^80 +web\.example:80 .* web\.shop$/m);
    assert.match((await runLateen(["pc", "endpoint", "--file", saved])).stdout, /^10\.0\.0\.1:80 /m);
    assert.match((await runLateen(["pc", "listener", "--file", saved])).stdout, /15001/);
    const services = JSON.parse((await run.lateen("debug", "registryz")).stdout) as { hostname: string }[];
    assert.deepEqual(
      services.map(({ hostname }) => hostname),
      ["web.example"],
    );
    assert.equal((await run.lateen("debug", "config_dump?proxyID=nobody")).status, 1);
  });

  it("is on no page without the administrator's certificate", async () => {
    const { api, metrics } = run.addresses;
    const { ca } = run.credentials();
    for (const page of ["/debug", "/debug/pushes", "/debug/pprof/profile?seconds=1"]) {
      assert.equal(await statusOf(`${api}${page}`, { ca }), 401, page);
      assert.equal((await fetch(`${metrics}${page}`)).status, 404, page);
    }
    assert.equal(await statusOf(`${api}/debug`, run.credentials()), 200);
  });

  it("is counted by metrics that can be read, and whose names are documented", async () => {
    const text = await (await fetch(`${run.addresses.metrics}/metrics`)).text();
    const { families, series } = readMetrics(text);
    const page = readFileSync(join(import.meta.dirname, "../../docs/operations/metrics.md"), "utf8");
    const [ofControlPlane = ""] = page.split("\n## Agent\n");
    const documented = [...ofControlPlane.matchAll(/^\| `(\w+)(?:\{[^`]*)?` \|/gm)].map(([, name = ""]) => name);
    assert.deepEqual([...families.keys()].sort(), documented.sort());
    assert.equal(series.get("pilot_services{}"), 1);
    assert.equal(series.get("pilot_virt_services{}"), 1);
    assert.ok((series.get('pilot_push_triggers{type="config"}') ?? 0) >= 1);
    assert.ok((series.get('lateen_config_events_total{event="update",type="VirtualService"}') ?? 0) >= 1);
    assert.doesNotMatch(text, /web\.example|caller\.shop/);
  });

  it("is profiled where the administrator asks for it", async () => {
    const profile = join(run.folder, "cp.cpuprofile");
    const { status, stderr } = await run.lateen("profile", "cpu", "--seconds", "1", "-o", profile);
    assert.equal(status, 0, stderr);
    assert.ok((JSON.parse(readFileSync(profile, "utf8")) as { nodes: unknown[] }).nodes.length > 0);
  });
});

function statusOf(url: string, credentials: { ca: Buffer; cert?: Buffer; key?: Buffer }): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { ...credentials, agent: false, headers: { accept: "text/html" } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
}

/**
 * Prometheus' text format 0.0.4, strictly: a name, sorted labels and a number on each line, each family described once and
 * before its series, no series twice.
 */
function readMetrics(text: string): { families: Map<string, string>; series: Map<string, number> } {
  const families = new Map<string, string>();
  const helped = new Set<string>();
  const series = new Map<string, number>();
  assert.ok(text.endsWith("\n"));
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const described = /^# (HELP|TYPE) ([a-z]\w*) (.+)$/.exec(line);
    if (described !== null) {
      const [, what, name = "", rest = ""] = described;
      if (what === "HELP") {
        assert.ok(!helped.has(name), line);
        helped.add(name);
      } else {
        assert.ok(helped.has(name) && !families.has(name), line);
        assert.match(rest, /^(counter|gauge|histogram|summary)$/);
        families.set(name, rest);
      }
      continue;
    }
    const [, name = "", labels = "", value = ""] =
      /^([a-z]\w*)(?:\{((?:[a-z]\w*="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)$/.exec(line) ?? assert.fail(line);
    const family = families.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
    assert.ok(families.has(family), line);
    assert.ok(/^[+-]?(\d+(\.\d+)?(e[+-]?\d+)?|Inf)$|^Nan$/i.test(value), line);
    const sorted = [...labels.matchAll(/(\w+="(?:[^"\\]|\\.)*")/g)].map(([, label = ""]) => label).sort();
    const key = `${name}{${sorted.join(",")}}`;
    assert.ok(!series.has(key), line);
    series.set(key, Number(value));
  }
  return { families, series };
}
