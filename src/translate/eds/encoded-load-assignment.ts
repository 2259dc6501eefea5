// WorkloadEntry.spec → envoy.config.endpoint.v3.ClusterLoadAssignment, encoded
//
// A service of a thousand machines changes whenever one comes or goes: each endpoint is encoded once, whatever else changes,
// and in however many scopes, ports and subsets it is; a load assignment is put together from their bytes.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from "../../../gen/envoy/config/endpoint/v3/endpoint_components_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { concatBytes } from "../../kernel/bytes.ts";
import { contentHash } from "../../kernel/hash.ts";
import type { EndpointView } from "../../model/endpoint-view.ts";
import type { LoadAssignmentView } from "../../model/load-assignment-view.ts";
import type { Workload } from "../../model/workload.ts";
import { lengthDelimited } from "../wire.ts";
import { buildLbEndpoint, fittingWeights, localityOf } from "./load-assignment.ts";

/** Field `endpoints` of ClusterLoadAssignment. */
const endpointsField = 2;
/** Field `lb_endpoints` of LocalityLbEndpoints. */
const lbEndpointsField = 2;
/** Ways in which one workload is an endpoint: one for each of its ports, mostly. More are encoded again each time. */
const variantLimit = 64;

/** By workload, which is a new object when anything about it changes; by what else an endpoint is made of. */
const encoded = new WeakMap<Workload, Map<string, Uint8Array>>();

/** How often an endpoint was encoded already, since the process began. */
const uses = { hits: 0, misses: 0 };

export function endpointUses(): { hits: number; misses: number } {
  return { ...uses };
}

export interface EncodedLoadAssignment {
  /** The bytes of `buildLoadAssignment`. */
  readonly body: Uint8Array;
  /** A hash of them. */
  readonly version: string;
}

/** By the endpoints, which scopes share; one for each subset that chooses the same ones. */
const assignments = new WeakMap<readonly EndpointView[], Map<string, EncodedLoadAssignment>>();

export function encodeLoadAssignment(view: Pick<LoadAssignmentView, "cluster" | "endpoints">): EncodedLoadAssignment {
  const byCluster = assignments.get(view.endpoints) ?? new Map<string, EncodedLoadAssignment>();
  assignments.set(view.endpoints, byCluster);
  const present = byCluster.get(view.cluster);
  if (present !== undefined) return present;
  const body = encode(view);
  const made = { body, version: contentHash(body) };
  if (byCluster.size < variantLimit) byCluster.set(view.cluster, made);
  return made;
}

function encode(view: Pick<LoadAssignmentView, "cluster" | "endpoints">): Uint8Array {
  const weightOf = fittingWeights(view.endpoints);
  const head = toBinary(
    ClusterLoadAssignmentSchema,
    create(ClusterLoadAssignmentSchema, { clusterName: view.cluster }),
  );
  const parts: Uint8Array[] = [head];
  for (const { name, members } of byLocality(view.endpoints)) {
    const bodies = members.map((endpoint) => encodedEndpoint(endpoint, weightOf(endpoint)));
    const loadBalancingWeight = members.reduce((sum, endpoint) => sum + weightOf(endpoint), 0);
    const locality = toBinary(
      LocalityLbEndpointsSchema,
      create(LocalityLbEndpointsSchema, { locality: localityOf(name) }),
    );
    const weight = toBinary(LocalityLbEndpointsSchema, create(LocalityLbEndpointsSchema, { loadBalancingWeight }));
    parts.push(...lengthDelimited(endpointsField, concatBytes([locality, ...bodies, weight])));
  }
  return concatBytes(parts);
}

/** @param endpoints sorted by locality */
function byLocality(endpoints: readonly EndpointView[]): { name: string; members: EndpointView[] }[] {
  const localities: { name: string; members: EndpointView[] }[] = [];
  for (const endpoint of endpoints) {
    const name = endpoint.endpoint.workload.locality;
    const last = localities.at(-1);
    if (last?.name === name) last.members.push(endpoint);
    else localities.push({ name, members: [endpoint] });
  }
  return localities;
}

/** The endpoint as a field of its locality. */
function encodedEndpoint(view: EndpointView, weight: number): Uint8Array {
  const { workload } = view.endpoint;
  let variants = encoded.get(workload);
  if (variants === undefined) {
    variants = new Map();
    encoded.set(workload, variants);
  }
  const variant = `${view.port} ${view.mtls} ${weight} ${view.addresses.join(" ")}`;
  const known = variants.get(variant);
  if (known !== undefined) {
    uses.hits += 1;
    return known;
  }
  uses.misses += 1;
  const body = toBinary(LbEndpointSchema, buildLbEndpoint(view, weight));
  const field = concatBytes(lengthDelimited(lbEndpointsField, body));
  if (variants.size < variantLimit) variants.set(variant, field);
  return field;
}
