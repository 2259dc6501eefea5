// lateen version: of this program and, where it answers, of the control plane and its proxies.
import { Command } from "commander";
import type { ControlPlaneVersion } from "../../contract/control-plane.ts";
import { apiPaths } from "../../contract/paths.ts";
import type { ProxyStatus } from "../../contract/proxy-status.ts";
import { describeError } from "../../kernel/error.ts";
import { addConnectionFlags, type ConnectionFlags } from "../api/connection-flags.ts";
import type { Context } from "../context.ts";
import { addOutputFlag } from "../resource/output-flag.ts";

interface VersionFlags extends ConnectionFlags {
  client?: boolean;
  output?: "json" | "yaml";
}

interface Versions {
  clientVersion: string;
  controlPlane?: ControlPlaneVersion;
  dataPlane?: ProxyVersion[];
}

interface ProxyVersion {
  agentVersion: string;
  envoyVersion: string;
  proxies: number;
}

export function versionCommand(context: Context): Command {
  const command = new Command("version")
    .summary("show versions")
    .description("Shows the version of this program and, where it answers, of the control plane and of the proxies.")
    .option("--client", "show this program's version only, without asking the control plane");
  addOutputFlag(command, ["json", "yaml"]);
  return addConnectionFlags(command)
    .addHelpText("after", "\nExamples:\n  lateen version\n  lateen version --client -o json")
    .action(async (flags: VersionFlags) => {
      const versions: Versions = { clientVersion: context.deps.version };
      if (flags.client !== true) await askServer(context, flags, versions);
      if (flags.output === undefined) for (const line of versionLines(versions)) context.terminal.print(line);
      else {
        const { structuredText } = await import("../resource/output-format.ts");
        context.terminal.print(structuredText(flags.output, versions));
      }
    });
}

/** A control plane that cannot be asked is no failure: the client's version is still an answer. */
async function askServer(context: Context, flags: VersionFlags, versions: Versions): Promise<void> {
  try {
    const { withSession } = await import("../api/session.ts");
    await withSession(context, flags, async ({ client }) => {
      versions.controlPlane = await client.json<ControlPlaneVersion>({ path: apiPaths.version });
      const answer = await client.send({ path: apiPaths.proxies });
      if (answer.ok) versions.dataPlane = countVersions(JSON.parse(answer.text) as ProxyStatus[]);
    });
  } catch (error) {
    context.terminal.note(`control plane: ${describeError(error)}`);
  }
}

function countVersions(proxies: readonly ProxyStatus[]): ProxyVersion[] {
  const counts = new Map<string, ProxyVersion>();
  for (const { version, envoyVersion = "unknown" } of proxies) {
    const key = JSON.stringify([version, envoyVersion]);
    const count = counts.get(key) ?? { agentVersion: version, envoyVersion, proxies: 0 };
    count.proxies += 1;
    counts.set(key, count);
  }
  return [...counts.values()].sort((a, b) => b.proxies - a.proxies);
}

function versionLines(versions: Versions): string[] {
  const lines = [`client version: ${versions.clientVersion}`];
  if (versions.controlPlane !== undefined) lines.push(`control plane version: ${versions.controlPlane.version}`);
  if (versions.dataPlane !== undefined) {
    const parts = versions.dataPlane.map(
      ({ agentVersion, envoyVersion, proxies }) =>
        `${agentVersion}, Envoy ${envoyVersion} (${proxies} ${proxies === 1 ? "proxy" : "proxies"})`,
    );
    lines.push(`data plane version: ${parts.length === 0 ? "none" : parts.join("; ")}`);
  }
  return lines;
}
