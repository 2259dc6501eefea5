// Names that only the server knows, for completion. Whatever goes wrong, there are simply none.
import { apiPaths, debugPath } from "../../contract/paths.ts";
import type { ProxyStatus } from "../../contract/proxy-status.ts";
import { findKind } from "../api/discovery.ts";
import { type Session, withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { fieldsOf, listOf, textOf, valueAt } from "../json-value.ts";
import { listObjects } from "../resource/list-objects.ts";

export type ServerNames =
  | { names: "namespaces" }
  /** WorkloadGroups as `namespace/name`. */
  | { names: "groups" }
  | { names: "proxies" }
  /** Pages of `lateen debug`. */
  | { names: "pages" }
  | { names: "objects"; kind: string };

/** A person waits at the prompt, milliseconds. */
const patienceMs = 2_000;

export async function namesFromServer(
  context: Context,
  flags: ReadonlyMap<string, string>,
  wanted: ServerNames,
): Promise<string[]> {
  const flag = (name: string, long: string): Record<string, string> => {
    const value = flags.get(long);
    return value === undefined ? {} : { [name]: value };
  };
  // Nothing may be printed while the person types.
  const silent: Context = { ...context, terminal: { ...context.terminal, note: () => {} } };
  try {
    return await withSession(
      silent,
      {
        requestTimeout: patienceMs,
        ...flag("kubeconfig", "--kubeconfig"),
        ...flag("dataDir", "--data-dir"),
        ...flag("context", "--context"),
        ...flag("namespace", "--namespace"),
      },
      (session) => ask(session, wanted),
    );
  } catch {
    return [];
  }
}

async function ask(session: Session, wanted: ServerNames): Promise<string[]> {
  if (wanted.names === "proxies") {
    const proxies = await session.client.json<ProxyStatus[]>({ path: apiPaths.proxies });
    return proxies.map((proxy) => proxy.name);
  }
  if (wanted.names === "pages") {
    return listOf(await session.client.json({ path: debugPath("") })).map((page) => textOf(fieldsOf(page)["name"]));
  }
  const served = await session.kinds();
  if (wanted.names === "namespaces") return names(session, findKind(served, "namespaces"), undefined, false);
  if (wanted.names === "groups") return names(session, findKind(served, "workloadgroups"), undefined, true);
  return names(session, findKind(served, wanted.kind), session.namespace, false);
}

async function names(
  session: Session,
  kind: ReturnType<typeof findKind>,
  namespace: string | undefined,
  qualified: boolean,
): Promise<string[]> {
  const objects = await listObjects(session.client, kind, { namespace });
  return objects.map((object) => {
    const name = textOf(valueAt(object, "metadata", "name"));
    return qualified ? `${textOf(valueAt(object, "metadata", "namespace"))}/${name}` : name;
  });
}
