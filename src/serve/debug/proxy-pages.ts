// Pages about connected proxies: istiod's connections, adsz and syncz, and one proxy in detail.
import { typeUrls } from "../../xds/type-url.ts";
import type { AdsServer } from "../ads/ads-server.ts";
import { type ConnectionLook, proxyDetail } from "../ads/connection-look.ts";
import type { TypeStream } from "../ads/type-stream.ts";
import type { DebugPage, DebugRequest } from "./debug-page.ts";
import { streamList, streamWithList } from "./json-stream.ts";
import { findProxies } from "./proxy-lookup.ts";

/** istiod's names of the five types in `SyncStatus`. */
const syncNames: readonly [prefix: string, typeUrl: string][] = [
  ["cluster", typeUrls.cluster],
  ["listener", typeUrls.listener],
  ["route", typeUrls.route],
  ["endpoint", typeUrls.endpoint],
  ["extensionconfig", typeUrls.extensionConfig],
];
/** Names listed of one subscription in adsz. */
const watchLimit = 1_000;

export function proxyPages(ads: AdsServer): DebugPage[] {
  const wanted = ({ query }: DebugRequest): ConnectionLook[] => {
    const proxyId = query.get("proxyID");
    const namespace = query.get("namespace");
    const looks = proxyId === null ? [...ads.looks()] : findProxies(ads.looks(), proxyId);
    return looks
      .filter(({ client }) => namespace === null || client.node.namespace === namespace)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  };
  return [
    {
      name: "syncz",
      help: "What was sent to each proxy and what it acknowledged, by type, in istiod's form",
      usage: "?namespace=NAMESPACE",
      show: (request) => streamList(mapped(wanted(request), syncStatus)),
    },
    {
      name: "connections",
      help: "Connected proxies: connection, since when, from which address",
      show: (request) => {
        const clients = wanted(request).map((look) => ({
          connectionId: look.id,
          connectedAt: look.status.connectedAt,
          address: look.address,
        }));
        return { totalClients: clients.length, clients };
      },
    },
    {
      name: "adsz",
      help: "Connected proxies with their labels, metadata and the names they ask for",
      usage: "?proxyID=NAME",
      show: (request) => {
        const looks = wanted(request);
        return streamWithList({ totalClients: looks.length }, "clients", mapped(looks, adsClient));
      },
    },
    {
      name: "proxies",
      help: "One proxy in detail: types, versions held, what is behind, why it got its last push; all proxies without a name",
      usage: "/{name}[?resources=true]",
      show: ({ rest, query }) => {
        if (rest === "") return streamList(mapped(ads.looks(), ({ status }) => status));
        const found = findProxies(ads.looks(), rest);
        if (found.length === 0) return undefined;
        return found.map((look) => proxyDetail(look, { all: query.get("resources") === "true" }));
      },
    },
  ];
}

function* mapped<T, U>(values: Iterable<T>, make: (value: T) => U): Iterable<U> {
  for (const value of values) yield make(value);
}

function syncStatus(look: ConnectionLook): Record<string, unknown> {
  const { node } = look.client;
  const status: Record<string, unknown> = {
    cluster_id: node.clusterId,
    proxy: node.id,
    proxy_type: node.type,
    ...(node.istioVersion === undefined ? {} : { istio_version: node.istioVersion }),
  };
  for (const [prefix, typeUrl] of syncNames) {
    const type = look.types.find((known) => known.typeUrl === typeUrl);
    if (type?.sentNonce !== undefined) status[`${prefix}_sent`] = type.sentNonce;
    if (type?.ackedNonce !== undefined) status[`${prefix}_acked`] = type.ackedNonce;
  }
  status["resources"] = Object.fromEntries(look.types.map((type) => [type.typeUrl, resourceStatus(type)]));
  return status;
}

function resourceStatus({ sentNonce, ackedNonce, sentAtMs, error, subscription }: TypeStream): Record<string, unknown> {
  return {
    ...(sentNonce === undefined ? {} : { sent: sentNonce }),
    ...(ackedNonce === undefined ? {} : { acked: ackedNonce }),
    ...(sentAtMs === undefined ? {} : { sentTime: new Date(sentAtMs).toISOString() }),
    ...(subscription.refused.size === 0 ? {} : { lastError: error ?? "" }),
  };
}

function adsClient(look: ConnectionLook): Record<string, unknown> {
  const { node } = look.client;
  return {
    connectionId: look.id,
    connectedAt: look.status.connectedAt,
    address: look.address,
    labels: node.labels,
    metadata: node.metadata,
    ...(node.locality === undefined ? {} : { locality: node.locality }),
    watches: Object.fromEntries(look.types.map((type) => [type.typeUrl, watchedNames(type)])),
  };
}

function watchedNames({ subscription }: TypeStream): string[] {
  const names: string[] = [];
  for (const { name } of subscription.wantedResources()) {
    if (names.length >= watchLimit) break;
    names.push(name);
  }
  return names;
}
