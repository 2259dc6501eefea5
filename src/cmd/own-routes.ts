// The control plane's own routes beside the Kubernetes-shaped ones: who is connected, tokens, questions to machines.
import type { JoinTokens } from "../ca/join-tokens.ts";
import type { JoinTokenInfo, JoinTokenRequest, JoinTokenResponse } from "../contract/join-token.ts";
import { apiPaths } from "../contract/paths.ts";
import type { ProxyStatus } from "../contract/proxy-status.ts";
import { fromUtf8 } from "../kernel/bytes.ts";
import type { LateenError } from "../kernel/error.ts";
import { quoted } from "../kernel/quote.ts";
import type { ExtraReply, ExtraRequest, ExtraRoute } from "../serve/api/extra-route.ts";
import { type VerdictSources, waitForVerdicts } from "../serve/quarantine/verdicts.ts";
import type { QueryBroker, Question } from "../serve/query/query-broker.ts";
import { cmdErrors } from "./errors.ts";

export interface OwnRoutesOptions {
  /** What is known of each connection, by its id. */
  statuses: () => ReadonlyMap<string, ProxyStatus>;
  tokens: JoinTokens;
  /** Whether a WorkloadGroup of this name exists. */
  hasGroup: (namespace: string, name: string) => boolean;
  queries: QueryBroker;
  verdicts: VerdictSources;
  /** Where machines join; undefined where that is not known. */
  joinUrl: string | undefined;
  /** The key of the WorkloadEntry that a connection is registered as. */
  entryOf: (connectionId: string) => string | undefined;
}

/** Longest wait for a machine's answer, milliseconds: a dump of a large mesh has tens of megabytes. */
const answerMs = 30_000;

export function ownRoutes(options: OwnRoutesOptions): ExtraRoute[] {
  const { tokens, queries } = options;
  const envoyPath = "/lateen/v1/namespaces/{namespace}/machines/{name}/envoy/{what*}";
  const askEnvoy =
    (method: "GET" | "POST") =>
    (request: ExtraRequest): Promise<ExtraReply> => {
      const path = `/${request.params["what"] ?? ""}${request.rawQuery === "" ? "" : `?${request.rawQuery}`}`;
      return ask(queries, request, { case: "envoyAdmin", value: { method, path } });
    };
  return [
    {
      method: "GET",
      path: apiPaths.proxies,
      handler: async () => ({ body: proxies(options) }),
    },
    {
      method: "GET",
      path: apiPaths.verdicts,
      handler: async ({ query }) => {
        const waitMs = Number(query.get("wait") ?? 0);
        const objects = query.getAll("object");
        return { body: await waitForVerdicts(objects, waitMs >= 0 ? waitMs : 0, options.verdicts) };
      },
    },
    {
      method: "POST",
      path: apiPaths.tokens,
      handler: async (request) => ({ code: 201, body: await createToken(request, options) }),
    },
    { method: "GET", path: apiPaths.tokens, handler: async () => ({ body: (await tokens.list()).map(tokenInfo) }) },
    {
      method: "DELETE",
      path: `${apiPaths.tokens}/{id}`,
      handler: async ({ params: { id = "" } }) => {
        if (!(await tokens.revoke(id))) throw cmdErrors.noSuchToken(`there is no join token ${quoted(id)}`);
        return { body: { id } };
      },
    },
    { method: "GET", path: envoyPath, handler: askEnvoy("GET") },
    { method: "POST", path: envoyPath, handler: askEnvoy("POST") },
    {
      method: "GET",
      path: "/lateen/v1/namespaces/{namespace}/machines/{name}/agent/{topic}",
      handler: (request) => ask(queries, request, { case: "agent", value: { topic: request.params["topic"] ?? "" } }),
    },
  ];
}

/** HTTP status of the errors that these routes raise. */
export function ownRouteStatus({ code }: LateenError): { code: number; reason: string } | undefined {
  const statuses: Record<string, { code: number; reason: string }> = {
    LAT1202: { code: 400, reason: "BadRequest" },
    LAT1203: { code: 404, reason: "NotFound" },
    LAT1204: { code: 404, reason: "NotFound" },
    LAT2111: { code: 404, reason: "NotFound" },
    LAT2112: { code: 504, reason: "Timeout" },
    LAT2113: { code: 429, reason: "TooManyRequests" },
    LAT2115: { code: 502, reason: "BadGateway" },
    LAT2116: { code: 409, reason: "Conflict" },
    LAT3109: { code: 400, reason: "BadRequest" },
  };
  return statuses[code];
}

function proxies({ statuses, entryOf }: OwnRoutesOptions): ProxyStatus[] {
  const all = [...statuses()].map(([connectionId, proxy]) => {
    const workloadEntry = entryOf(connectionId)?.split("/").at(-1);
    return workloadEntry === undefined ? proxy : { ...proxy, workloadEntry };
  });
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function ask(queries: QueryBroker, request: ExtraRequest, question: Question): Promise<ExtraReply> {
  const { namespace = "", name = "" } = request.params;
  const isWhole = name.endsWith(`.${namespace}`) || name.includes("~");
  const machine = isWhole ? name : `${name}.${namespace}`;
  const { status, contentType, body } = await queries.ask(machine, question, { timeoutMs: answerMs });
  return { code: status, text: fromUtf8(body), contentType: contentType === "" ? "text/plain" : contentType };
}

async function createToken(request: ExtraRequest, options: OwnRoutesOptions): Promise<JoinTokenResponse> {
  const { tokens, hasGroup, joinUrl } = options;
  const order = readTokenRequest(await request.json());
  const [namespace = "", name = ""] = order.group.split("/");
  if (!hasGroup(namespace, name)) {
    throw cmdErrors.noSuchGroup(`there is no WorkloadGroup ${name} in namespace ${namespace}`);
  }
  const { record, token } = await tokens.create({
    group: order.group,
    ...(order.ttlSeconds === undefined ? {} : { ttlMs: order.ttlSeconds * 1000 }),
    ...(order.uses === undefined ? {} : { uses: order.uses }),
  });
  const { expiresAt, group, id } = tokenInfo(record);
  const made = { id, token: token.reveal(), group, expiresAt, uses: record.uses };
  return joinUrl === undefined ? made : { ...made, joinUrl };
}

/** @throws LateenError LAT1202 */
function readTokenRequest(body: unknown): JoinTokenRequest {
  const { group, ttlSeconds, uses } = (body ?? {}) as Partial<Record<keyof JoinTokenRequest, unknown>>;
  if (typeof group !== "string") throw cmdErrors.badTokenRequest("group must be a text of the form NAMESPACE/NAME");
  for (const [field, value] of Object.entries({ ttlSeconds, uses })) {
    if (value !== undefined && typeof value !== "number") throw cmdErrors.badTokenRequest(`${field} must be a number`);
  }
  return {
    group,
    ...(ttlSeconds === undefined ? {} : { ttlSeconds: ttlSeconds as number }),
    ...(uses === undefined ? {} : { uses: uses as number }),
  };
}

function tokenInfo(record: Awaited<ReturnType<JoinTokens["list"]>>[number]): JoinTokenInfo {
  return {
    id: record.id,
    group: `${record.namespace}/${record.group}`,
    createdAt: new Date(record.createdAtMs).toISOString(),
    expiresAt: new Date(record.expiresAtMs).toISOString(),
    usesLeft: record.usesLeft,
  };
}
