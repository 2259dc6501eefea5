// Golden cases: one YAML in, one YAML out for each xDS type.
//
// The first document of `in.yaml` says who asks: `proxy` (name, namespace, labels, serviceAccount, ip, ports, dnsCapture)
// and `mesh` (a MeshConfig). The others are API objects.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  createRegistry,
  type DescMessage,
  fromBinary,
  type JsonValue,
  type Registry,
  toJson,
} from "@bufbuild/protobuf";
import { parseAllDocuments, stringify } from "yaml";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import { NameTableSchema } from "../../gen/istio/networking/nds/v1/nds_pb.ts";
import { decodeAndValidate } from "../config/decode/decode-and-validate.ts";
import { decodeMeshConfig } from "../config/mesh-config/mesh-config.ts";
import { formatProblem } from "../config/problem.ts";
import { meshSettingsOf } from "../model/mesh-settings-of.ts";
import type { ClientView } from "../xds/generator.ts";
import { typeUrls } from "../xds/type-url.ts";
import { MeshRig, type RigProxy } from "./mesh-rig.fake.ts";

/** Golden file name → type, in the order Envoy takes them. */
export const goldenTypes = {
  clusters: { typeUrl: typeUrls.cluster, schema: ClusterSchema },
  endpoints: { typeUrl: typeUrls.endpoint, schema: ClusterLoadAssignmentSchema },
  listeners: { typeUrl: typeUrls.listener, schema: ListenerSchema },
  routes: { typeUrl: typeUrls.route, schema: RouteConfigurationSchema },
  names: { typeUrl: typeUrls.nameTable, schema: NameTableSchema },
} as const satisfies Record<string, { typeUrl: string; schema: DescMessage }>;

export type GoldenType = keyof typeof goldenTypes;

interface CaseHeader {
  proxy: RigProxy;
  mesh?: Record<string, unknown>;
}

export const testdata = join(import.meta.dirname, "testdata");

export function goldenCases(): string[] {
  return globSync("*/in.yaml", { cwd: testdata })
    .map((path) => path.split("/")[0] as string)
    .sort();
}

/** A mesh of the objects in `text`, seen by the proxy its first document names. */
export function openCase(text: string): { view: ClientView; rig: MeshRig } {
  const end = text.indexOf("\n---\n");
  const header = parseAllDocuments(text.slice(0, end))[0]?.toJS() as CaseHeader;
  const rig = rigOf(text.slice(end + 1), header.mesh);
  return { view: rig.open(header.proxy), rig };
}

/** A mesh of the API objects in YAML; each service without address has one of 240.240.0.0/16, in order of their names. */
export function rigOf(text: string, meshConfig: Record<string, unknown> = {}): MeshRig {
  const mesh = decodeMeshConfig(stringify(meshConfig), "mesh");
  const { objects, problems } = decodeAndValidate(text, { file: "in.yaml" });
  const errors = [...mesh.problems, ...problems].filter((problem) => problem.severity === "error");
  if (errors.length > 0) throw new TypeError(errors.map(formatProblem).join("\n"));
  const rig = new MeshRig(meshSettingsOf(mesh.config, "Kubernetes"));
  rig.graph.batch(() => {
    for (const { kind, object } of objects) {
      const { namespace, name } = object.metadata;
      const key = { source: "files", group: kind.group, kind: kind.kind, namespace, name };
      rig.put({ key, meta: object.metadata, spec: (object.spec ?? {}) as object });
    }
  });
  const hosts = [...rig.mesh.services.entries()]
    .filter(([, { addresses, resolution }]) => addresses.length === 0 && resolution !== "none")
    .map(([key]) => key)
    .sort();
  rig.graph.batch(() => {
    for (const [index, key] of hosts.entries()) {
      rig.autoAddresses.set(key, { v4: `240.240.0.${index + 1}`, v6: `2001:2::${index + 1}` });
    }
  });
  return rig;
}

/** Fields whose long values repeat themselves; a golden file writes each value once and refers to it from then on. */
const repetitive: ReadonlySet<string> = new Set(["access_log", "tags", "sds_config", "retry_policy", "typed_config"]);

/** The value with equal parts being the same object, which YAML writes as an alias. */
export function withSharedParts(value: JsonValue): JsonValue {
  const shared = new Map<string, JsonValue>();
  const share = (part: JsonValue, name: string): JsonValue => {
    if (typeof part !== "object" || part === null) return part;
    const copy = Array.isArray(part)
      ? part.map((item) => share(item, ""))
      : Object.fromEntries(Object.entries(part).map(([key, item]) => [key, share(item, key)]));
    if (!repetitive.has(name)) return copy;
    const text = JSON.stringify(copy);
    const present = shared.get(text);
    if (present === undefined) shared.set(text, copy);
    return present ?? copy;
  };
  return share(value, "");
}

/** Resources of a type as JSON with Envoy's field names, in order of name. */
export function resourcesAsJson(view: ClientView, type: GoldenType, registry: Registry): JsonValue[] {
  const { typeUrl, schema } = goldenTypes[type];
  return [...view.resources(typeUrl).values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((resource) =>
      toJson(schema as DescMessage, fromBinary(schema as DescMessage, resource.body), {
        registry,
        useProtoFieldName: true,
      }),
    );
}

/** Knows every message of gen/, for what is inside an Any. Loading it takes about half a second. */
export async function everyMessage(): Promise<Registry> {
  const root = join(import.meta.dirname, "../../gen");
  const files: Parameters<typeof createRegistry> = [];
  for (const path of globSync("{envoy,xds,udpa}/**/*_pb.ts", { cwd: root })) {
    for (const value of Object.values((await import(join(root, path))) as Record<string, { kind?: string }>)) {
      if (value.kind === "file") files.push(value as never);
    }
  }
  return createRegistry(...files);
}

/** The case's input and its golden outputs as they are in the repository. */
export function readCase(name: string): { input: string; golden(type: GoldenType): string | undefined } {
  const read = (file: string): string | undefined => {
    try {
      return readFileSync(join(testdata, name, file), "utf8");
    } catch {
      return undefined;
    }
  };
  return { input: read("in.yaml") ?? "", golden: (type) => read(`${type}.yaml`) };
}
