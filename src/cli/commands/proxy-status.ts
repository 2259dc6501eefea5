// lateen proxy-status: whether each proxy has the current configuration, in istioctl's columns.
import { Command } from "commander";
import { apiPaths, debugPath } from "../../contract/paths.ts";
import type { ObjectChange, ProxyDetail, PushSummary } from "../../contract/proxy-detail.ts";
import type { ProxyStatus, TypeStatus, XdsColumn } from "../../contract/proxy-status.ts";
import { parseJson } from "../api/api-client.ts";
import { addConnectionFlags, type ConnectionFlags } from "../api/connection-flags.ts";
import { type Session, withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { addOutputFlag } from "../resource/output-flag.ts";
import { structuredText } from "../resource/output-format.ts";
import { distinctName, matchProxies, namesakes } from "../resource/proxy-name.ts";
import { ageOf } from "../terminal/age.ts";
import { istioctlLayout, tableLines } from "../terminal/table.ts";

interface ProxyStatusFlags extends ConnectionFlags {
  namespace?: string;
  output?: "table" | "json" | "yaml";
}

const columns: readonly XdsColumn[] = ["CDS", "LDS", "EDS", "RDS", "ECDS"];

export function proxyStatusCommand(context: Context): Command {
  const command = new Command("proxy-status")
    .alias("ps")
    .summary("show whether each proxy has the current configuration")
    .description(
      "Shows for each connected proxy whether it has the current configuration. SYNCED: it acknowledged everything. STALE: sent, not acknowledged yet. NACK: it rejected the last content (istioctl: ERROR). NOT SENT: it never got any. With a name: one proxy in detail.",
    )
    .argument("[name]", "proxy, as NAME or NAME.NAMESPACE")
    .option("-n, --namespace <namespace>", "only proxies of this namespace");
  addOutputFlag(command, ["table", "json", "yaml"]);
  return addConnectionFlags(command)
    .addHelpText("after", "\nExamples:\n  lateen proxy-status\n  lateen ps reviews-1.shop")
    .action(async (name: string | undefined, flags: ProxyStatusFlags) => {
      await withSession(context, flags, (session) => run(context, session, name, flags));
    });
}

async function run(
  context: Context,
  session: Session,
  name: string | undefined,
  flags: ProxyStatusFlags,
): Promise<void> {
  const all = await session.client.json<ProxyStatus[]>({ path: apiPaths.proxies });
  const scoped = flags.namespace === undefined ? all : all.filter((proxy) => proxy.namespace === flags.namespace);
  const proxies = name === undefined ? [...scoped] : matchProxies(scoped, name);
  proxies.sort((a, b) => (a.name < b.name ? -1 : 1));
  const details = name === undefined ? [] : await detailsOf(session, proxies);
  const nowMs = context.deps.clock.now();
  if (flags.output === "json" || flags.output === "yaml") {
    context.terminal.print(structuredText(flags.output, name === undefined ? proxies : withDetails(proxies, details)));
  } else if (name !== undefined) {
    for (const proxy of proxies) {
      const pushes = pushLines(
        details.find((detail) => detail.proxy.nodeId === proxy.nodeId),
        nowMs,
      );
      for (const line of [...detailLines(proxy, nowMs), ...pushes]) context.terminal.print(line);
    }
  } else if (proxies.length === 0) {
    context.terminal.note(
      all.length === 0
        ? "No proxies are connected."
        : `No proxies of namespace ${flags.namespace} are connected; ${all.length} of others are.`,
    );
  } else {
    for (const line of tableLines([heading, ...proxies.map((proxy) => row(proxy, nowMs))], istioctlLayout)) {
      context.terminal.print(line);
    }
    for (const line of proxies.flatMap(rejectionLines)) context.terminal.note(line);
    const shared = namesakes(proxies).map(distinctName);
    if (shared.length > 0) {
      context.terminal.note(`Some share a name; lateen proxy-config takes these instead: ${shared.join(", ")}`);
    }
  }
  // A rejected configuration is what a script asks about.
  if (name !== undefined && proxies.some((proxy) => Object.values(proxy.types).some((type) => type.state === "NACK"))) {
    context.status = 1;
  }
}

const heading = ["NAME", "CLUSTER", ...columns, "ISTIOD", "VERSION"];

function row(proxy: ProxyStatus, nowMs: number): string[] {
  const states = columns.map((column) => stateText(proxy.types[column], nowMs));
  return [proxy.name, proxy.clusterId, ...states, proxy.controlPlane, proxy.version];
}

/** `SYNCED (5m)`; istioctl's word for a type that a proxy does not use is IGNORED. */
function stateText(status: TypeStatus | undefined, nowMs: number): string {
  if (status === undefined) return "IGNORED";
  const since = status.state === "SYNCED" ? (status.ackedAt ?? status.sentAt) : status.sentAt;
  return since === undefined || status.state === "NOT SENT" ? status.state : `${status.state} (${ageOf(since, nowMs)})`;
}

/** What each of its types got last, and why; asked anew because the list of proxies does not say it. */
async function detailsOf(session: Session, proxies: readonly ProxyStatus[]): Promise<ProxyDetail[]> {
  const nodeIds = [...new Set(proxies.map((proxy) => proxy.nodeId))];
  const answers = await Promise.all(
    nodeIds.map((id) => session.client.send({ path: debugPath(`proxies/${encodeName(id)}`) })),
  );
  // A control plane of before has no such page, and the proxy may be gone by now.
  return answers.flatMap((answer) =>
    answer.ok ? (parseJson(answer.text, session.client.server) as ProxyDetail[]) : [],
  );
}

function encodeName(name: string): string {
  return name.replace(/[?#%]/g, "_");
}

function withDetails(proxies: readonly ProxyStatus[], details: readonly ProxyDetail[]): unknown[] {
  return proxies.map((proxy) => {
    const detail = details.find((one) => one.proxy.nodeId === proxy.nodeId);
    return detail === undefined ? proxy : { ...proxy, details: detail.details };
  });
}

/** `web-1.shop rejects RDS, made from VirtualService/shop/reviews: message` */
function rejectionLines(proxy: ProxyStatus): string[] {
  return Object.entries(proxy.types).flatMap(([type, status]) => {
    if (status.state !== "NACK") return [];
    const from =
      status.objects === undefined || status.objects.length === 0 ? "" : `, made from ${status.objects.join(", ")}`;
    return [`${proxy.name} rejects ${type}${from}: ${status.error ?? ""}`];
  });
}

const reasons: Readonly<Record<string, string>> = {
  proxyrequest: "the proxy asked for it",
  depdendentresource: "Envoy needs it after another resource changed",
  unknown: "its health, addresses or what proxies reject became different",
  trial: "sent once more, to find out what it rejects",
};

function pushLines(detail: ProxyDetail | undefined, nowMs: number): string[] {
  return (detail?.details ?? []).flatMap(({ type, sentAt, lastPush }) => {
    // A question to its agent is no configuration, and an empty answer only says that there is nothing.
    if (type === "QUERY" || lastPush === undefined || lastPush.resources + lastPush.removed === 0) return [];
    const why = lastPush.why.length > 0 ? "" : `: ${reasons[lastPush.reason] ?? lastPush.reason}`;
    return [
      "",
      `${type} was last sent ${ageOf(sentAt ?? lastPush.at, nowMs)} ago, ${amount(lastPush)}${why}`,
      ...lastPush.why.map(changeLine),
      ...(lastPush.moreWhy === undefined ? [] : [`  and ${lastPush.moreWhy} more changes`]),
    ];
  });
}

function amount({ resources, removed, names, removedNames }: PushSummary): string {
  const parts = [
    ...(resources === 0 ? [] : [counted(resources, names)]),
    ...(removed === 0 ? [] : [`${counted(removed, removedNames)} removed`]),
  ];
  return parts.join(", ");
}

/** The name of one, the number of several. */
function counted(count: number, names: readonly string[]): string {
  const [name] = names;
  return count === 1 && name !== undefined ? name : `${count} resources`;
}

function changeLine({ object, change, fields, moreFields }: ObjectChange): string {
  const which = fields.length === 0 ? "" : `: ${fields.join(", ")}${moreFields === true ? " and more" : ""}`;
  return `  because ${object} was ${change}${which}`;
}

function detailLines(proxy: ProxyStatus, nowMs: number): string[] {
  const lines = [
    `Name:           ${proxy.name}`,
    `Namespace:      ${proxy.namespace}`,
    `Cluster:        ${proxy.clusterId}`,
    `Node:           ${proxy.nodeId}`,
    ...(proxy.workloadEntry === undefined ? [] : [`WorkloadEntry:  ${proxy.workloadEntry}`]),
    `Identity:       ${proxy.identity ?? "not proven (plaintext)"}`,
    `Version:        ${proxy.version}`,
    `Envoy:          ${proxy.envoyVersion ?? "unknown"}`,
    `Control plane:  ${proxy.controlPlane}`,
    `Connected:      ${proxy.connectedAt} (${ageOf(proxy.connectedAt, nowMs)} ago)`,
    "",
  ];
  const types = Object.entries(proxy.types) as [XdsColumn, TypeStatus][];
  const rows = types.map(([type, status]) => [
    type,
    status.state,
    String(status.resources),
    status.sentAt === undefined ? "" : ageOf(status.sentAt, nowMs),
    status.ackedAt === undefined ? "" : ageOf(status.ackedAt, nowMs),
  ]);
  lines.push(...tableLines([["TYPE", "STATE", "RESOURCES", "SENT", "ACKNOWLEDGED"], ...rows], istioctlLayout));
  for (const [type, status] of types) {
    if (status.error === undefined) continue;
    lines.push("", `${type} was rejected: ${status.error}`);
    for (const object of status.objects ?? []) lines.push(`  made from ${object}`);
  }
  return lines;
}
