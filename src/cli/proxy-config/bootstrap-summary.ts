// proxy-config bootstrap -o short: versions.
import type { Fields } from "../../kernel/fields.ts";
import { textOf } from "../json-value.ts";
import { type ConfigDump, pick, pickAt } from "./config-dump.ts";

export function bootstrapOf(dump: ConfigDump): Fields {
  return dump.section("Bootstrap");
}

/** Three lines, as istioctl prints them. */
export function bootstrapLines(dump: ConfigDump): string[] {
  const node = pickAt(dump.section("Bootstrap"), "bootstrap", "node");
  const build = pick(node, "user_agent_build_version");
  const version = pick(build, "version");
  const numbers = ["major_number", "minor_number", "patch"].map((name) => String(pick(version, name) ?? 0)).join(".");
  const details = ["revision.status", "build.type", "ssl.version"]
    .map((name) => textOf(pickAt(build, "metadata", name)))
    .filter((part) => part !== "");
  return [
    `Istio Version:       ${textOf(pickAt(node, "metadata", "ISTIO_VERSION"))}`,
    `Istio Proxy Version: ${textOf(pickAt(node, "metadata", "ISTIO_PROXY_SHA"))}`,
    `Envoy Version:       ${[numbers, ...details].join("/")}`,
  ].map((line) => line.trimEnd());
}
