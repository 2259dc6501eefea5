// Where a dump comes from: a saved file, or the machine, asked through the control plane.
import { apiPaths, machineEnvoyPath } from "../../contract/paths.ts";
import type { ProxyStatus } from "../../contract/proxy-status.ts";
import { refusal } from "../api/api-client.ts";
import type { ConnectionFlags } from "../api/connection-flags.ts";
import { type Session, withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { readInput } from "../input/read-files.ts";
import { oneProxy, spokenName } from "../resource/proxy-name.ts";

export interface SourceFlags extends ConnectionFlags {
  namespace?: string;
  file?: string;
}

/** Largest dump, bytes: tens of thousands of clusters. */
const dumpLimit = 256 << 20;
/** Wait for a dump, which Envoy must build and the machine send, unless told otherwise, milliseconds. */
const dumpTimeoutMs = 60_000;

/**
 * The answer of a machine's Envoy to an admin request, or the text of `--file`.
 *
 * @param what admin path with query, such as `config_dump?include_eds`
 * @throws LateenError LAT9001, LAT9009, LAT9013, and those of a session
 */
export async function envoyText(
  context: Context,
  name: string | undefined,
  what: string,
  flags: SourceFlags,
): Promise<string> {
  if (flags.file !== undefined) {
    if (name !== undefined) throw cliErrors.usage("a name and --file cannot be combined");
    const [input] = await readInput([flags.file], false, context.deps.readStdin);
    return input?.text ?? "";
  }
  if (name === undefined) {
    throw cliErrors.usage("name a proxy, or a saved dump with --file", {
      remedy: "lateen proxy-status lists the proxies.",
    });
  }
  return withSession(context, flags, (session) => askEnvoy(session, name, "GET", what, flags));
}

/** Sends an admin request to the Envoy of a machine. */
export async function askEnvoy(
  session: Session,
  name: string,
  method: "GET" | "POST",
  what: string,
  flags: SourceFlags,
): Promise<string> {
  const proxies = await session.client.json<ProxyStatus[]>({ path: apiPaths.proxies });
  const proxy = oneProxy(proxies, name, session.namespace);
  if (!proxy.queryable) {
    throw cliErrors.refused(`the agent of ${proxy.name} takes no questions from the control plane`, {
      remedy: "On the machine: curl 'localhost:15000/config_dump?include_eds' > dump.json; then use --file dump.json.",
    });
  }
  const answer = await session.client.send({
    method,
    path: machineEnvoyPath(proxy.namespace, spokenName(proxies, proxy), what),
    accept: "application/json, text/plain",
    limitBytes: dumpLimit,
    timeoutMs: flags.requestTimeout ?? dumpTimeoutMs,
  });
  if (!answer.ok) throw refusal(answer.status);
  return answer.text;
}
