import assert from "node:assert/strict";
import { test } from "node:test";
import { prefixAgentStats, renameIstioStats } from "./prometheus-names.ts";

test("Istio's metrics lose Envoy's prefix, in samples and comments, and nothing else changes", () => {
  const page = [
    "# TYPE envoy_istiocustom_istio_requests_total counter",
    'envoy_istiocustom_istio_requests_total{reporter="source",x="envoy_istiocustom_istio_y"} 1',
    "# TYPE envoy_istiocustom_istio_request_bytes histogram",
    'envoy_istiocustom_istio_request_bytes_bucket{le="1"} 0',
    'envoy_cluster_upstream_cx_active{cluster_name="envoy_istiocustom_istio_z"} 2',
    "envoy_istiocustom_other 3",
    "",
  ].join("\n");
  assert.equal(
    renameIstioStats(page),
    [
      "# TYPE istio_requests_total counter",
      'istio_requests_total{reporter="source",x="envoy_istiocustom_istio_y"} 1',
      "# TYPE istio_request_bytes histogram",
      'istio_request_bytes_bucket{le="1"} 0',
      'envoy_cluster_upstream_cx_active{cluster_name="envoy_istiocustom_istio_z"} 2',
      "envoy_istiocustom_other 3",
      "",
    ].join("\n"),
  );
});

test("the agent's own metrics get Istio's prefix once", () => {
  const page =
    '# HELP scrapes_total Scrapes.\n# TYPE scrapes_total counter\nscrapes_total 1\n\nistio_agent_x{a="b"} 2\ndns_requests_total 3\n';
  assert.equal(
    prefixAgentStats(page),
    '# HELP istio_agent_scrapes_total Scrapes.\n# TYPE istio_agent_scrapes_total counter\nistio_agent_scrapes_total 1\n\nistio_agent_x{a="b"} 2\nistio_agent_dns_requests_total 3\n',
  );
});
