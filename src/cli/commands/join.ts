// lateen join: the flags of taking a machine into the mesh.
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { parseJoinToken } from "../../identity/join-token.ts";
import { describeError } from "../../kernel/error.ts";
import { Secret } from "../../kernel/secret.ts";
import { agentDataDir } from "../cli-deps.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";

interface JoinFlags {
  token?: string;
  tokenFile?: string;
  name?: string;
  foreground?: boolean;
  dataDir: string;
  envoy?: string;
}

export function joinCommand(context: Context): Command {
  return new Command("join")
    .summary("take this machine into the mesh")
    .description(
      "Takes this machine into the mesh: proves who it is with a token, gets its certificate, starts Envoy and captures traffic. Without --foreground it installs and starts a systemd unit, so that the machine stays in the mesh.",
    )
    .argument("<url>", "control plane, such as https://mesh.example.com:15012", parseControlPlane)
    .option("--token <token>", "token from 'lateen token create' (also LATEEN_TOKEN)")
    .option("--token-file <file>", "file with the token, - for standard input: keeps it out of the process list")
    .option("--name <name>", "name of this machine (default: its host name)", parseMachineName)
    .option("--foreground", "run the agent here until interrupted, and install nothing")
    .option("--data-dir <folder>", "where the agent keeps its identity and cache", agentDataDir)
    .option("--envoy <file>", "Envoy binary to run")
    .addHelpText(
      "after",
      `
Examples:
  # As root on the machine, with a token made by 'lateen token create --group shop/reviews'
  lateen join https://mesh.example.com:15012 --token lateen1.…

  # In a container or a test
  lateen join https://10.0.0.5:15012 --token-file /run/token --name reviews-1 --foreground`,
    )
    .action(async (url: URL, flags: JoinFlags) => {
      const token = await readToken(context, flags);
      const join = await context.deps.actions.join();
      context.status = await join({
        url,
        token,
        foreground: flags.foreground === true,
        dataDir: flags.dataDir,
        ...(flags.name === undefined ? {} : { name: flags.name }),
        ...(flags.envoy === undefined ? {} : { envoy: flags.envoy }),
      });
    });
}

/** The token, its form checked, so that a mangled one is told from a refused one before anything is tried. */
async function readToken(context: Context, flags: JoinFlags): Promise<Secret<string>> {
  if (flags.token !== undefined && flags.tokenFile !== undefined) {
    throw cliErrors.usage("--token and --token-file cannot be combined");
  }
  const text = (await tokenText(context, flags)).trim();
  if (text === "") {
    throw cliErrors.usage("no token was given", {
      remedy: "Make one on the control plane with: lateen token create --group NAMESPACE/NAME",
    });
  }
  try {
    parseJoinToken(text);
  } catch (error) {
    throw cliErrors.usage(`the token is damaged: ${describeError(error)}`, {
      remedy: "Copy it again in one piece, or make a new one with: lateen token create --group NAMESPACE/NAME",
    });
  }
  return new Secret(text);
}

async function tokenText(context: Context, flags: JoinFlags): Promise<string> {
  if (flags.token !== undefined) return flags.token;
  if (flags.tokenFile === "-") return context.deps.readStdin();
  if (flags.tokenFile === undefined) return context.deps.env["LATEEN_TOKEN"] ?? "";
  try {
    return readFileSync(flags.tokenFile, "utf8").slice(0, 4096);
  } catch (error) {
    throw cliErrors.unreadableFile(`the token cannot be read: ${describeError(error)}`);
  }
}

/** Port of xDS and join where the address has none. */
const joinPort = "15012";

function parseControlPlane(text: string): URL {
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  if (url === null || url.protocol !== "https:" || url.hostname === "") {
    throw new InvalidArgumentError("Give an address such as https://mesh.example.com:15012.");
  }
  if (url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new InvalidArgumentError("Give host and port only, such as https://mesh.example.com:15012.");
  }
  // URL drops the scheme's own port; somebody who typed :443 means it.
  if (url.port === "" && !/:443\/?$/.test(text)) url.port = joinPort;
  return url;
}

function parseMachineName(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) {
    throw new InvalidArgumentError("Use lower-case letters, digits and '-', at most 63 characters.");
  }
  return text;
}
