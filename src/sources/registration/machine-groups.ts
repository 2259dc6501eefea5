// The WorkloadGroups that machines are registered from.
import type { Collection } from "../../collection/collection.ts";
import { Group } from "../../collection/group.ts";
import type { Config } from "../../config/object.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { mayJoin } from "./claim.ts";
import type { Machine } from "./machine.ts";

export class MachineGroups {
  private readonly groups: Group<Config<WorkloadGroup>>;
  private readonly unsubscribe: () => void;

  /** @param changed is told the namespaces and names of groups that have come, gone or become different */
  constructor(all: Collection<Config<WorkloadGroup>>, changed: (names: readonly [string, string][]) => void) {
    this.groups = new Group("WorkloadGroups by name", all, ({ key }) => [`${key.namespace}/${key.name}`]);
    this.unsubscribe = this.groups.subscribe((changes) => {
      changed(
        changes.map(({ key }) => {
          const [namespace = "", name = ""] = key.split("/");
          return [namespace, name];
        }),
      );
    });
  }

  /** Where several have one name, the first by key. */
  get(namespace: string, name: string): Config<WorkloadGroup> | undefined {
    return this.groups.get(`${namespace}/${name}`)?.[0];
  }

  /**
   * The group that the name of an entry is for. Names do not tell where the group's part ends (`a-b-c` is machine `b-c` of
   * `a`, or machine `c` of `a-b`): of the groups that there are, it is the one with the longest name.
   */
  ofEntry(namespace: string, name: string): Config<WorkloadGroup> | undefined {
    for (let end = name.lastIndexOf("-"); end > 0; end = name.lastIndexOf("-", end - 1)) {
      const group = this.get(namespace, name.slice(0, end));
      if (group !== undefined) return group;
    }
    return undefined;
  }

  /** The machine's group, as long as it is for the machine's account. */
  fitting({ namespace, group: name, identity }: Machine): Config<WorkloadGroup> | undefined {
    const group = this.get(namespace, name);
    return group !== undefined && mayJoin(identity, group) ? group : undefined;
  }

  dispose(): void {
    this.unsubscribe();
    this.groups.dispose();
  }
}
