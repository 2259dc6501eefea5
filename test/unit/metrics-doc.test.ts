// docs/operations/metrics.md and the code name the same metrics.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { agentMetrics, controlPlaneMetrics, renderMetrics } from "../../scripts/metrics-doc.ts";

const root = join(import.meta.dirname, "../..");

suite("docs/operations/metrics.md", () => {
  test("is what the code says", () => {
    const page = readFileSync(join(root, "docs/operations/metrics.md"), "utf8");
    assert.equal(page, renderMetrics(), "run node scripts/metrics-doc.ts");
  });

  test("has every metric whose name stands in the code of the control plane", () => {
    const known = new Set(controlPlaneMetrics().map(({ name }) => name));
    const files = globSync("src/{serve,ca,sources,cmd,translate,collection}/**/*.ts", { cwd: root });
    const named = files
      .filter((file) => !/\.(test|fake|suite)\.ts$/.test(file))
      .flatMap((file) => [
        ...readFileSync(join(root, file), "utf8").matchAll(
          /\.(?:counter|gauge|histogram|readCounter|readGauge)\(\s*"([^"]+)"/g,
        ),
      ])
      .map(([, name = ""]) => name);
    assert.ok(named.length > 30);
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
      "add the part to scripts/metrics-doc.ts",
    );
  });

  test("explains each metric in a sentence, and names them as Prometheus does", () => {
    const all = [...controlPlaneMetrics(), ...agentMetrics()];
    assert.ok(agentMetrics().length > 10);
    for (const { name, help, type } of all) {
      assert.match(name, /^[a-z][a-z0-9_]+$/);
      assert.match(help, /^\S.{5,}\.?$/, name);
      if (name.startsWith("lateen_") && type === "counter") assert.match(name, /_total$/);
    }
  });

  test("has Istio's names where the meaning is the same", () => {
    const names = new Set(controlPlaneMetrics().map(({ name }) => name));
    for (const name of [
      ...["pilot_services", "pilot_virt_services", "pilot_xds", "pilot_xds_pushes", "pilot_push_triggers"],
      ...["pilot_proxy_convergence_time", "pilot_proxy_queue_time", "pilot_xds_push_time", "pilot_xds_send_time"],
      ...["pilot_xds_config_size_bytes", "pilot_total_xds_rejects", "pilot_xds_cds_reject", "pilot_xds_eds_reject"],
      ...["pilot_xds_lds_reject", "pilot_xds_rds_reject", "pilot_inbound_updates", "pilot_eds_no_instances"],
      ...[
        "pilot_endpoint_not_ready",
        "pilot_vservice_dup_domain",
        "pilot_info",
        "istio_build",
        "citadel_server_csr_count",
      ],
    ]) {
      assert.ok(names.has(name), name);
    }
  });
});
