// The names that Istio's dashboards and alerts know, out of what plain Envoy and the agent print.
import { istioStatPrefix } from "../bootstrap/stats-config.ts";

/** At the start of a sample, or after the keyword of its comment line; never inside a label. */
const istioStat = new RegExp(`^(# (?:TYPE|HELP) )?envoy_${istioStatPrefix}_(?=istio_)`, "gm");
const istioSample = /^istio_.*$/gm;
/** What Envoy could not fill in, as it does for requests that reached no endpoint; Istio says "unknown". */
const emptyLabel = /\b((?:source|destination)_[a-z_]+)="-?"/g;
const agentStat = /^(# (?:TYPE|HELP) )?(?!istio_|#)(?=[a-zA-Z_:])/gm;

/**
 * `envoy_istiocustom_istio_requests_total` → `istio_requests_total`: what the stats access logger counts in Istio's namespace,
 * where plain Envoy puts its own prefix in front.
 */
export function renameIstioStats(page: string): string {
  return page.replace(istioStat, "$1").replace(istioSample, (sample) => sample.replace(emptyLabel, '$1="unknown"'));
}

/** `cert_expiry_seconds` → `istio_agent_cert_expiry_seconds`, as Istio's agent prefixes everything of its own. */
export function prefixAgentStats(page: string): string {
  return page.replace(agentStat, "$1istio_agent_");
}
