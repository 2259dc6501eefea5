// What a proxy is to hold, as Envoy's own config dump shows it (envoy.admin.v3.ConfigDump), made here and not asked of the
// machine: what differs from the machine's own dump has not arrived there, or was refused.
import type { Resource } from "../../xds/resource.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { AdsServer } from "../ads/ads-server.ts";
import type { ConnectionLook } from "../ads/connection-look.ts";
import type { DebugPage, DebugRequest } from "./debug-page.ts";
import { JsonStream, listPieces, streamList } from "./json-stream.ts";
import { findProxies } from "./proxy-lookup.ts";

type ShowResource = (resource: Resource) => unknown;

interface Section {
  readonly message: string;
  readonly field: string;
  readonly typeUrl: string;
  readonly item: (resource: Resource, json: unknown) => unknown;
}

const sections: readonly Section[] = [
  {
    ...{ message: "ClustersConfigDump", field: "dynamic_active_clusters", typeUrl: typeUrls.cluster },
    item: ({ version }, cluster) => ({ version_info: version, cluster }),
  },
  {
    ...{ message: "ListenersConfigDump", field: "dynamic_listeners", typeUrl: typeUrls.listener },
    item: ({ name, version }, listener) => ({ name, active_state: { version_info: version, listener } }),
  },
  {
    ...{ message: "RoutesConfigDump", field: "dynamic_route_configs", typeUrl: typeUrls.route },
    item: ({ version }, route_config) => ({ version_info: version, route_config }),
  },
];
const endpointSection: Section = {
  ...{ message: "EndpointsConfigDump", field: "dynamic_endpoint_configs", typeUrl: typeUrls.endpoint },
  item: ({ version }, endpoint_config) => ({ version_info: version, endpoint_config }),
};

export function configDumpPages(ads: AdsServer, showResource: ShowResource): DebugPage[] {
  const one = ({ query, rest }: DebugRequest): ConnectionLook | undefined =>
    findProxies(ads.looks(), query.get("proxyID") ?? rest).at(-1);
  const ofType = (name: string, typeUrl: string, what: string): DebugPage => ({
    name,
    help: `${what} that one proxy is to hold`,
    usage: "?proxyID=NAME",
    show: (request) => {
      const look = one(request);
      if (look === undefined) return undefined;
      const resources = resourcesOf(look, typeUrl);
      return streamList(
        (function* () {
          for (const resource of resources) yield showResource(resource);
        })(),
      );
    },
  });
  return [
    {
      name: "config_dump",
      help: "All that one proxy is to hold, in the form of Envoy's config dump; lateen proxy-config --file reads it",
      usage: "?proxyID=NAME[&include_eds]",
      show: (request) => {
        const look = one(request);
        if (look === undefined) return undefined;
        const wanted = request.query.has("include_eds") ? [...sections, endpointSection] : sections;
        return new JsonStream(dumpPieces(look, wanted, showResource));
      },
    },
    ofType("edsz", typeUrls.endpoint, "Load assignments"),
    ofType("ndsz", typeUrls.nameTable, "Names"),
  ];
}

function* dumpPieces(look: ConnectionLook, wanted: readonly Section[], showResource: ShowResource): Iterable<string> {
  yield '{"configs": [\n';
  for (const [index, { message, field, typeUrl, item }] of wanted.entries()) {
    const before = index === 0 ? "" : ",\n";
    yield `${before}{"@type": "type.googleapis.com/envoy.admin.v3.${message}", "${field}": `;
    const resources = resourcesOf(look, typeUrl);
    yield* listPieces(
      (function* () {
        for (const resource of resources) yield item(resource, showResource(resource));
      })(),
    );
    yield "}";
  }
  yield "\n]}";
}

function resourcesOf(look: ConnectionLook, typeUrl: string): Iterable<Resource> {
  const ofType = (url: string) => look.types.find((type) => type.typeUrl === url);
  const own = ofType(typeUrl);
  // Lateen's own agents take routes in parts, all of them, and put them together for their Envoy.
  if (own === undefined && typeUrl === typeUrls.route && ofType(typeUrls.routePart) !== undefined) {
    return look.view.resources(typeUrl).values();
  }
  return own?.subscription.wantedResources() ?? [];
}
