// WorkloadGroup → the MachineConfig resource of each machine of the group, over the machine's own stream.
import { toBinary } from "@bufbuild/protobuf";
import { MachineConfigSchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import type { Collection } from "../../collection/collection.ts";
import { Derived } from "../../collection/derived.ts";
import type { Config } from "../../config/object.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { contentHash } from "../../kernel/hash.ts";
import type { ClientView, Generator, ResourceChange, ResourceSet } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { type MachineMeshSettings, machineConfigOf } from "../ca/machine-config.ts";

/** Name of a machine's one MachineConfig. */
const resourceName = "machine";

/**
 * Adds MachineConfig to what a generator gives. Only streams that prove an identity of the group's namespace get one; the
 * server has checked their namespace before.
 *
 * @param groups WorkloadGroups by any key
 */
export function withMachineConfig(
  generator: Generator,
  options: { groups: Collection<Config<WorkloadGroup>>; mesh: () => MachineMeshSettings },
): Generator {
  const resources = new Derived<Config<WorkloadGroup>, Resource>({
    name: "machine-configs",
    from: options.groups,
    equals: (a, b) => a.version === b.version,
    derive: (group) => [[`${group.key.namespace}/${group.key.name}`, machineResource(group, options.mesh())]],
  });
  return {
    open: (client, connectionId) => {
      const view = generator.open(client, connectionId);
      const group = client.node.autoRegisterGroup;
      if (group === undefined || client.identities.length === 0) return view;
      const set = new OneResource(resources, `${client.node.namespace}/${group}`);
      return layered(view, set);
    },
  };
}

function machineResource(group: Config<WorkloadGroup>, mesh: MachineMeshSettings): Resource {
  const body = toBinary(MachineConfigSchema, machineConfigOf(group, mesh));
  const { kind, namespace, name } = group.key;
  return {
    typeUrl: typeUrls.machine,
    name: resourceName,
    version: contentHash(body),
    body,
    sources: [{ kind, namespace, name }],
  };
}

function layered(view: ClientView, machine: ResourceSet): ClientView {
  return {
    whenReady: (go) => view.whenReady(go),
    resources: (typeUrl) => (typeUrl === typeUrls.machine ? machine : view.resources(typeUrl)),
    close: () => view.close(),
  };
}

/** One value of a collection as a set. */
class OneResource implements ResourceSet {
  private readonly from: Collection<Resource>;
  private readonly key: string;

  constructor(from: Collection<Resource>, key: string) {
    this.from = from;
    this.key = key;
  }

  get size(): number {
    return this.from.has(this.key) ? 1 : 0;
  }

  get(name: string): Resource | undefined {
    return name === resourceName ? this.from.get(this.key) : undefined;
  }

  *values(): IterableIterator<Resource> {
    const resource = this.from.get(this.key);
    if (resource !== undefined) yield resource;
  }

  subscribe(listener: (changes: readonly ResourceChange[]) => void): () => void {
    return this.from.subscribe((changes) => {
      const own = changes.filter((change) => change.key === this.key);
      if (own.length > 0) listener(own.map((change) => ({ ...change, key: resourceName })));
    });
  }
}
