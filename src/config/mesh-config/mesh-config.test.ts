import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { schemaNode } from "../schema-node.ts";
import { fullSample, samplePlaces, withValueAt } from "../schema-places.fake.ts";
import { decodeMeshConfig } from "./mesh-config.ts";
import { meshConfigSchema } from "./mesh-config-schema.ts";

function problemsOf(text: string): [string, string | undefined, number | undefined][] {
  return decodeMeshConfig(text, "mesh.yaml").problems.map(({ code, path, line }) => [code, path, line]);
}

test("an empty document is Istio's defaults", () => {
  for (const text of ["", "# nothing\n", "---\n", "{}"]) {
    const { config, problems } = decodeMeshConfig(text, "mesh.yaml");
    assert.deepEqual(problems, []);
    assert.equal(config.trustDomain, "cluster.local");
    assert.equal(config.rootNamespace, "istio-system");
    assert.equal(config.outboundTrafficPolicy.mode, "ALLOW_ANY");
    assert.equal(config.inboundTrafficPolicy.mode, "PASSTHROUGH");
    assert.equal(config.enableAutoMtls, true);
    assert.deepEqual(config.defaultServiceExportTo, ["*"]);
    assert.deepEqual([config.proxyListenPort, config.proxyInboundListenPort], [15001, 15006]);
    assert.deepEqual([config.connectTimeout, config.dnsRefreshRate], ["10s", "60s"]);
    assert.deepEqual([config.accessLogFile, config.accessLogEncoding], ["", "TEXT"]);
    assert.equal(config.defaultConfig.drainDuration, "45s");
    assert.equal(config.visibility, "istio");
  }
});

test("what the author says replaces the default field by field, lists as a whole", () => {
  const { config, problems } = decodeMeshConfig(
    "trustDomain: example.org\ndefaultServiceExportTo: ['.']\ndefaultConfig:\n  concurrency: 2\n  proxyMetadata: {A: b}\n",
    "mesh.yaml",
  );
  assert.deepEqual(
    problems.map(({ code, path }) => [code, path]),
    [["LAT1010", "defaultConfig"]],
  );
  assert.equal(config.trustDomain, "example.org");
  assert.deepEqual(config.defaultServiceExportTo, ["."]);
  assert.equal(config.defaultConfig.concurrency, 2);
  assert.equal(config.defaultConfig.statusPort, 15020);
  assert.deepEqual(config.defaultConfig.proxyMetadata, { A: "b" });
});

test("one caller's change does not reach the next", () => {
  decodeMeshConfig("", "a").config.defaultServiceExportTo.push("x");
  assert.deepEqual(decodeMeshConfig("", "a").config.defaultServiceExportTo, ["*"]);
});

test("a built-in provider stays unless one of its name is given", () => {
  const text = "extensionProviders:\n- name: envoy\n  envoyFileAccessLog: {path: /var/log/a}\n";
  const { config } = decodeMeshConfig(text, "mesh.yaml");
  assert.deepEqual(
    config.extensionProviders.map((provider) => provider.name),
    ["envoy", "prometheus", "stackdriver"],
  );
});

test("tracingServiceName takes the place of the default serviceCluster", () => {
  const { config } = decodeMeshConfig("defaultConfig: {tracingServiceName: CANONICAL_NAME_ONLY}", "mesh.yaml");
  assert.equal(config.defaultConfig.serviceCluster, undefined);
});

test("each mistake is named with its line", () => {
  assert.deepEqual(problemsOf("a: 1\n"), [["LAT1002", "a", 1]]);
  assert.deepEqual(problemsOf("\ntrustDomain: Example.org\n"), [["LAT1007", "trustDomain", 2]]);
  assert.deepEqual(problemsOf("rootNamespace: a.b\n"), [["LAT1007", "rootNamespace", 1]]);
  assert.deepEqual(problemsOf("proxyListenPort: 70000\n"), [["LAT1005", "proxyListenPort", 1]]);
  assert.deepEqual(problemsOf("proxyListenPort: 1\nproxyInboundListenPort: 1\n"), [
    ["LAT1007", "proxyInboundListenPort", 2],
  ]);
  assert.deepEqual(problemsOf("proxyListenPort: 15021\nproxyInboundListenPort: 15053\n"), [
    ["LAT1007", "proxyListenPort", 1],
    ["LAT1007", "proxyInboundListenPort", 2],
  ]);
  assert.deepEqual(problemsOf("outboundTrafficPolicy:\n  mode: ALLOW\n"), [
    ["LAT1004", "outboundTrafficPolicy.mode", 2],
  ]);
  assert.deepEqual(problemsOf("connectTimeout: 0s\n"), [["LAT1007", "connectTimeout", 1]]);
  assert.deepEqual(problemsOf("defaultServiceExportTo:\n- a\n- '*'\n"), [["LAT1007", "defaultServiceExportTo[1]", 3]]);
  assert.deepEqual(problemsOf("enableAutoMtls: 'yes'\n"), [["LAT1003", "enableAutoMtls", 1]]);
  assert.equal(problemsOf("a: [\n")[0]?.[0], "LAT1001");
  assert.deepEqual(problemsOf("trustDomain: a\n---\ntrustDomain: b\n"), [["LAT1001", undefined, 2]]);
  assert.deepEqual(problemsOf("- a\n"), [["LAT1003", "", 1]]);
});

test("a document with errors leaves the defaults", () => {
  const { config } = decodeMeshConfig("trustDomain: example.org\nconnectTimeout: x\n", "mesh.yaml");
  assert.equal(config.trustDomain, "cluster.local");
});

test("what proxies do not act on is said", () => {
  const text = "visibility: strict\nenableTracing: false\noutboundTrafficPolicy: {mode: ALLOW_ANY_DYNAMIC_DNS}\n";
  const { problems } = decodeMeshConfig(text, "mesh.yaml");
  assert.deepEqual(
    problems.map(({ severity, code, path }) => [severity, code, path]),
    [
      ["warning", "LAT1010", "outboundTrafficPolicy.mode"],
      ["warning", "LAT1010", "visibility"],
      ["warning", "LAT1010", "enableTracing"],
    ],
  );
});

test("whoever hands over the ConfigMap or the Helm values is told where the document is", () => {
  for (const text of ["kind: ConfigMap\ndata: {mesh: ''}", "meshConfig: {}", "spec: {meshConfig: {}}"]) {
    const { problems } = decodeMeshConfig(text, "mesh.yaml");
    assert.equal(problems.length, 1, text);
    assert.match(problems[0]?.remedy ?? "", /^Write only what stands below/);
  }
});

test("each field may be absent, null, empty or of another type", () => {
  const schema = schemaNode(meshConfigSchema);
  const sample = fullSample(schema);
  for (const { path, value } of samplePlaces(schema, sample)) {
    if (path.length === 0) continue;
    for (const other of [null, [], 0]) {
      const [name = ""] = path;
      const field = (withValueAt(sample, path, other) as Record<string, unknown>)[name];
      const { problems } = decodeMeshConfig(JSON.stringify({ [name]: field }), "mesh.yaml");
      for (const problem of problems) assert.ok(problem.path?.startsWith(String(name)), JSON.stringify([path, value]));
    }
  }
});

test("any text gets an answer", () => {
  const value = fc.oneof(
    fc.constantFrom("1", "x", "[]", "{}", "null", "{a: b}", "[{}]", "-1", "10s", "'*'"),
    fc.string(),
  );
  const name = fc.constantFrom("trustDomain", "defaultConfig", "meshMTLS", "extensionProviders", "caCertificates", "x");
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 4 }), (fields) => {
      const text = fields.map(([key, field]) => `${key}: ${field}\n`).join("");
      const { config } = decodeMeshConfig(text, "mesh.yaml");
      assert.equal(typeof config.trustDomain, "string");
    }),
    { numRuns: 1000 },
  );
});
