// The resources of one proxy, decoded when they are asked for.
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type Cluster, ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { type Listener, ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import { type RouteConfiguration, RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import { type NameTable, NameTableSchema } from "../../gen/istio/networking/nds/v1/nds_pb.ts";
import { formatIp, parseIp } from "../kernel/ip-address.ts";
import type { ResourceSet } from "../xds/generator.ts";
import { typeUrls } from "../xds/type-url.ts";
import { decodeMessage } from "./known-fields.ts";

/** Where resources come from; an xDS client's view is one. */
export interface ResourceSource {
  resources(typeUrl: string): Pick<ResourceSet, "get" | "values">;
}

export interface EnvoyResources {
  /**
   * The listeners that a connection to the address may come to. Listeners that are named for another address or port, as
   * Istio names them (`10.0.0.1_80`), are not decoded: a large mesh has thousands.
   */
  listenersFor(ip: string, port: number): readonly Listener[];
  /** Those that are not named for an address and a port. */
  namedListeners(): readonly Listener[];
  route(name: string): RouteConfiguration | undefined;
  cluster(name: string): Cluster | undefined;
  loadAssignment(name: string): ClusterLoadAssignment | undefined;
  /** Empty where the proxy's agent gets no table. */
  nameTables(): readonly NameTable[];
}

/** Address and port, as Istio joins them to the name of a listener. */
const placeName = /^([\d.]+|[\da-f:.]*:[\da-f:.]*)_(\d+)$/i;

function isAnyAddress(ip: string): boolean {
  return ip === "0.0.0.0" || ip === "::";
}

function isSameIp(a: string, b: string): boolean {
  const [x, y] = [parseIp(a), parseIp(b)];
  return x !== undefined && y !== undefined && formatIp(x) === formatIp(y);
}

/** Every answer throws LAT2203 where a resource's bytes are broken. */
export function readResources(source: ResourceSource): EnvoyResources {
  const one = <D extends DescMessage>(typeUrl: string, schema: D) => {
    return (name: string): MessageShape<D> | undefined => {
      const resource = source.resources(typeUrl).get(name);
      return resource === undefined ? undefined : decodeMessage(schema, resource.body, `resource ${name}`);
    };
  };
  const all = <D extends DescMessage>(typeUrl: string, schema: D) => {
    let decoded: readonly MessageShape<D>[] | undefined;
    return (): readonly MessageShape<D>[] => {
      decoded ??= [...source.resources(typeUrl).values()].map(({ name, body }) =>
        decodeMessage(schema, body, `resource ${name}`),
      );
      return decoded;
    };
  };
  const listeners = (wanted: (name: string) => boolean): readonly Listener[] =>
    [...source.resources(typeUrls.listener).values()]
      .filter(({ name }) => wanted(name))
      .map(({ name, body }) => decodeMessage(ListenerSchema, body, `resource ${name}`));
  return {
    listenersFor: (ip, port) =>
      listeners((name) => {
        const [, at, atPort] = placeName.exec(name) ?? [];
        return at === undefined || (Number(atPort) === port && (isAnyAddress(at) || isSameIp(at, ip)));
      }),
    namedListeners: () => listeners((name) => !placeName.test(name)),
    route: one(typeUrls.route, RouteConfigurationSchema),
    cluster: one(typeUrls.cluster, ClusterSchema),
    loadAssignment: one(typeUrls.endpoint, ClusterLoadAssignmentSchema),
    nameTables: all(typeUrls.nameTable, NameTableSchema),
  };
}
