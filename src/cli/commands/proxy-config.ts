// lateen proxy-config: what a machine's Envoy holds, in istioctl's tables.
import { Command, InvalidArgumentError, Option } from "commander";
import type { Fields } from "../../kernel/fields.ts";
import { addConnectionFlags } from "../api/connection-flags.ts";
import { withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { listOf, textOf } from "../json-value.ts";
import { parsePort } from "../port-flag.ts";
import { bootstrapLines, bootstrapOf } from "../proxy-config/bootstrap-summary.ts";
import {
  type ClusterFilter,
  clusterHeading,
  clusterName,
  clusterRow,
  findClusters,
} from "../proxy-config/cluster-table.ts";
import { type ConfigDump, parseDump, pick, readConfigDump } from "../proxy-config/config-dump.ts";
import { askEnvoy, envoyText, type SourceFlags } from "../proxy-config/dump-source.ts";
import {
  type EndpointFilter,
  edsHeading,
  edsRow,
  endpointHeading,
  endpointRow,
  endpointsOfClusters,
  endpointsOfDump,
  filterEndpoints,
} from "../proxy-config/endpoint-table.ts";
import { findListeners, type ListenerFilter, listenerHeading, listenerRows } from "../proxy-config/listener-table.ts";
import { defaultLevel, loggingPath, readLoggers } from "../proxy-config/log-level.ts";
import { findRoutes, routeHeading, routeRows } from "../proxy-config/route-table.ts";
import { findSecrets, secretHeading, secretRow } from "../proxy-config/secret-table.ts";
import { addOutputFlag } from "../resource/output-flag.ts";
import { structuredText } from "../resource/output-format.ts";
import { istioctlLayout, type TableLayout, tableLines } from "../terminal/table.ts";

type Format = "json" | "yaml" | "short";

interface Flags extends SourceFlags {
  output: Format;
}

const listenerTypes = ["HTTP", "TCP", "HTTP+TCP", "UNKNOWN"];
/** envoy.config.core.v3.HealthStatus */
const healthStates = ["HEALTHY", "UNHEALTHY", "DEGRADED", "DRAINING", "TIMEOUT", "UNKNOWN"];
const fullDump = "config_dump?include_eds";
/** istioctl sets the table of listeners more tightly than the others. */
const listenerLayout: TableLayout = { gap: 1 };

export function proxyConfigCommand(context: Context): Command {
  return new Command("proxy-config")
    .alias("pc")
    .summary("show the configuration that a machine's Envoy holds")
    .description(
      "Shows the configuration that a machine's Envoy holds, asked through the control plane or read from a saved config dump.",
    )
    .addCommand(clusterCommand(context))
    .addCommand(listenerCommand(context))
    .addCommand(routeCommand(context))
    .addCommand(endpointCommand(context))
    .addCommand(secretCommand(context))
    .addCommand(bootstrapCommand(context))
    .addCommand(logCommand(context))
    .addCommand(allCommand(context))
    .addHelpText(
      "after",
      "\nExamples:\n  lateen proxy-config cluster reviews-1.shop\n  lateen pc route reviews-1.shop --name 80 -o json\n  lateen pc listener --file dump.json",
    );
}

/** A subcommand that prints part of a dump. */
function dumpCommand(
  name: string,
  aliases: readonly string[],
  summary: string,
  byDefault: Format,
  example: string,
): Command {
  const command = new Command(name)
    .aliases([...aliases])
    .summary(summary)
    .description(`Shows ${summary}. JSON and YAML are spelled as Envoy spells them.`)
    .argument("[name]", "proxy, as NAME or NAME.NAMESPACE")
    .option("-n, --namespace <namespace>", "namespace of the proxy where several have its name")
    .option("-f, --file <file>", "read a saved config dump instead, - for standard input");
  addOutputFlag(command, ["short", "json", "yaml"], byDefault);
  return addConnectionFlags(command).addHelpText("after", `\nExample:\n  ${example}`);
}

/** A flag's parser that takes these words in any case. */
function oneOf(words: readonly string[]): (text: string) => string {
  return (text) => {
    if (!words.includes(text.toUpperCase())) throw new InvalidArgumentError(`Give one of ${words.join(", ")}.`);
    return text;
  };
}

async function readDump(context: Context, name: string | undefined, flags: Flags): Promise<ConfigDump> {
  return readConfigDump(await envoyText(context, name, fullDump, flags));
}

function printTable(
  context: Context,
  rows: readonly (readonly string[])[],
  layout: TableLayout = istioctlLayout,
): void {
  for (const line of tableLines(rows, layout)) context.terminal.print(line);
}

/** As data if asked for, else as a table; headings alone would look like a fault. */
function show(
  context: Context,
  format: Format,
  data: unknown,
  rows: () => readonly (readonly string[])[],
  layout?: TableLayout,
): void {
  if (format !== "short") {
    context.terminal.print(structuredText(format, data));
    return;
  }
  printTable(context, rows(), layout);
  if (Array.isArray(data) && data.length === 0) context.terminal.note("Nothing that the proxy holds fits.");
}

function clusterCommand(context: Context): Command {
  return dumpCommand(
    "cluster",
    ["clusters", "c"],
    "the clusters of an Envoy",
    "short",
    "lateen pc cluster web-1.shop --fqdn reviews",
  )
    .option("--fqdn <host>", "only clusters whose name holds this")
    .option("--port <port>", "only clusters for this port", parsePort)
    .option("--subset <subset>", "only clusters whose name holds this subset")
    .addOption(
      new Option("--direction <direction>", "only clusters of this direction").choices(["inbound", "outbound"]),
    )
    .action(async (name: string | undefined, flags: Flags & ClusterFilter) => {
      const clusters = findClusters(await readDump(context, name, flags), flags);
      show(context, flags.output, clusters, () => [clusterHeading, ...clusters.map(clusterRow)]);
    });
}

function listenerCommand(context: Context): Command {
  return dumpCommand(
    "listener",
    ["listeners", "l"],
    "the listeners of an Envoy",
    "short",
    "lateen pc listener web-1.shop --port 15006",
  )
    .option("--address <address>", "only listeners on this address")
    .option("--port <port>", "only listeners on this port", parsePort)
    .option("--type <type>", "only listeners of this type: HTTP, TCP, HTTP+TCP, UNKNOWN", oneOf(listenerTypes))
    .action(async (name: string | undefined, flags: Flags & ListenerFilter) => {
      const listeners = findListeners(await readDump(context, name, flags), flags);
      show(
        context,
        flags.output,
        listeners,
        () => [listenerHeading, ...listeners.flatMap(listenerRows)],
        listenerLayout,
      );
    });
}

function routeCommand(context: Context): Command {
  return dumpCommand(
    "route",
    ["routes", "r"],
    "the routes of an Envoy",
    "short",
    "lateen pc route web-1.shop --name 80",
  )
    .option("--name <name>", "only the route configuration of this name")
    .action(async (proxy: string | undefined, flags: Flags & { name?: string }) => {
      const routes = findRoutes(await readDump(context, proxy, flags), flags);
      show(context, flags.output, routes, () => [routeHeading, ...routes.flatMap(routeRows)]);
    });
}

function endpointCommand(context: Context): Command {
  return dumpCommand(
    "endpoint",
    ["endpoints", "ep"],
    "the endpoints of an Envoy and their health",
    "short",
    "lateen pc endpoint web-1.shop --status unhealthy",
  )
    .option("--address <address>", "only endpoints with this address")
    .option("--port <port>", "only endpoints with this port", parsePort)
    .option("--cluster <name>", "only endpoints of this cluster, by its full name")
    .option("--status <status>", "only endpoints of this health, such as healthy", oneOf(healthStates))
    .action(async (name: string | undefined, flags: Flags & EndpointFilter) => {
      const text = await envoyText(context, name, "clusters?format=json", flags);
      const clusters = parseDump(text);
      const statuses = pick(clusters, "cluster_statuses");
      // A saved file may be either of Envoy's two accounts of endpoints.
      const all = statuses === undefined ? endpointsOfDump(readConfigDump(text)) : endpointsOfClusters(clusters);
      const endpoints = filterEndpoints(all, flags);
      const shown = new Set(endpoints.map((endpoint) => endpoint.cluster));
      const data =
        statuses === undefined ? endpoints : listOf(statuses).filter((status) => shown.has(clusterName(status)));
      show(context, flags.output, data, () => [endpointHeading, ...endpoints.map(endpointRow)]);
    });
}

function secretCommand(context: Context): Command {
  return dumpCommand(
    "secret",
    ["secrets", "s"],
    "the certificates of an Envoy",
    "short",
    "lateen pc secret web-1.shop",
  ).action(async (name: string | undefined, flags: Flags) => {
    const secrets = findSecrets(await readDump(context, name, flags), context.deps.clock.now());
    if (secrets.length === 0 && flags.output === "short") context.terminal.note("No secret items to show.");
    else show(context, flags.output, secrets, () => [secretHeading, ...secrets.map(secretRow)]);
  });
}

function bootstrapCommand(context: Context): Command {
  return dumpCommand(
    "bootstrap",
    ["b"],
    "what an Envoy was started with",
    "json",
    "lateen pc bootstrap web-1.shop -o short",
  ).action(async (name: string | undefined, flags: Flags) => {
    const dump = await readDump(context, name, flags);
    if (flags.output === "short") for (const line of bootstrapLines(dump)) context.terminal.print(line);
    else context.terminal.print(structuredText(flags.output, bootstrapOf(dump)));
  });
}

interface LogFlags extends SourceFlags {
  level?: string;
  reset?: boolean;
  output?: "json" | "yaml";
}

function logCommand(context: Context): Command {
  const command = new Command("log")
    .alias("o")
    .summary("the log levels of an Envoy")
    .description("Shows or sets the log levels of an Envoy. They last until Envoy restarts.")
    .argument("<name>", "proxy, as NAME or NAME.NAMESPACE")
    .option("-n, --namespace <namespace>", "namespace of the proxy where several have its name")
    .option(
      "--level <levels>",
      "level for all loggers, or LOGGER:LEVEL,…; trace, debug, info, warning, error, critical, off",
    )
    .option("-r, --reset", `set all loggers to ${defaultLevel}`);
  addOutputFlag(command, ["json", "yaml"]);
  return addConnectionFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  lateen pc log web-1.shop\n  lateen pc log web-1.shop --level http:debug,rbac:debug",
    )
    .action(async (name: string, flags: LogFlags) => {
      if (flags.level !== undefined && flags.reset === true)
        throw cliErrors.usage("--level and --reset cannot be combined");
      const path = loggingPath(flags.reset === true ? defaultLevel : flags.level);
      const text = await withSession(context, flags, (session) => askEnvoy(session, name, "POST", path, flags));
      context.terminal.print(
        flags.output === undefined ? text.trimEnd() : structuredText(flags.output, readLoggers(text)),
      );
    });
}

function allCommand(context: Context): Command {
  return dumpCommand("all", ["a"], "everything that an Envoy holds", "short", "lateen pc all web-1.shop").action(
    async (name: string | undefined, flags: Flags) => {
      const dump = await readDump(context, name, flags);
      if (flags.output !== "short") {
        context.terminal.print(structuredText(flags.output, dump.raw));
        return;
      }
      for (const line of bootstrapLines(dump)) context.terminal.print(line);
      const clusters = findClusters(dump, {}).map((each) => named("cluster", clusterName(each), clusterRow(each)));
      const listeners = findListeners(dump, {}).flatMap((each) => rowsNamed("listener", each, listenerRows(each)));
      const routes = findRoutes(dump, {}).flatMap(routeRows).map(prefixed("route"));
      const secrets = findSecrets(dump, context.deps.clock.now()).map(secretRow).map(prefixed("secret"));
      const endpoints = endpointsOfDump(dump).map(edsRow).map(prefixed("endpoint"));
      const tables: [rows: string[][], layout?: TableLayout][] = [
        [[["NAME", ...clusterHeading], ...clusters]],
        [[["NAME", ...listenerHeading], ...listeners], listenerLayout],
        [[routeHeading, ...routes]],
        [[secretHeading, ...secrets]],
        [[edsHeading, ...endpoints]],
      ];
      for (const [rows, layout] of tables) {
        context.terminal.print("");
        printTable(context, rows, layout);
      }
    },
  );
}

function named(type: string, name: string, row: readonly string[]): string[] {
  return [`${type}/${name}`, ...row];
}

function rowsNamed(type: string, resource: Fields, rows: readonly (readonly string[])[]): string[][] {
  return rows.map((row) => named(type, textOf(resource["name"]), row));
}

function prefixed(type: string): (row: readonly string[]) => string[] {
  return ([first = "", ...rest]) => [`${type}/${first}`, ...rest];
}
