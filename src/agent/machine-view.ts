// What the agent itself learns by xDS: the machine's configuration and the names of the mesh.
import { create, fromBinary } from "@bufbuild/protobuf";
import { type NameTable, NameTableSchema } from "../../gen/istio/networking/nds/v1/nds_pb.ts";
import { type MachineConfig, MachineConfigSchema } from "../../gen/lateen/agent/v1/agent_pb.ts";
import { agentErrors } from "./errors.ts";
import type { ResourceCache } from "./xds-relay/resource-cache.ts";

/**
 * The machine's configuration; there is one resource.
 *
 * @throws LateenError LAT4210
 */
export function readMachineConfig(cache: ResourceCache): MachineConfig | undefined {
  for (const name of cache.names()) {
    const resource = cache.get(name);
    if (resource !== undefined) return decode(() => fromBinary(MachineConfigSchema, resource.body));
  }
  return undefined;
}

/**
 * All name tables together; Istio sends one.
 *
 * @throws LateenError LAT4210
 */
export function readNameTable(cache: ResourceCache): NameTable {
  const table: NameTable["table"] = {};
  for (const name of cache.names()) {
    const resource = cache.get(name);
    if (resource !== undefined) Object.assign(table, decode(() => fromBinary(NameTableSchema, resource.body)).table);
  }
  return create(NameTableSchema, { table });
}

function decode<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw agentErrors.badStreamMessage("a resource for the agent could not be decoded", { cause });
  }
}
