// Which registered machine has which name, address, group and certificate.
import { SetMap } from "../../kernel/set-map.ts";
import type { Machine } from "./machine.ts";

export class MachineIndex {
  /** By key of the entry. */
  private readonly machines = new Map<string, Machine>();
  /** Key of the entry, by network and address. */
  private readonly byPlace = new Map<string, string>();
  /** Keys of entries, by `namespace/name` of the group. */
  private readonly byGroup = new SetMap<string, string>();
  /** Keys of entries, by serial number of the certificate. */
  private readonly byCertificate = new SetMap<string, string>();

  get size(): number {
    return this.machines.size;
  }

  values(): Iterable<Machine> {
    return this.machines.values();
  }

  get(key: string): Machine | undefined {
    return this.machines.get(key);
  }

  /** Key of the machine that has a place: a network and an address. */
  keyAt(place: string): string | undefined {
    return this.byPlace.get(place);
  }

  /** @param group `namespace/name` */
  keysOfGroup(group: string): readonly string[] {
    return [...this.byGroup.get(group)];
  }

  /** @param serial undefined for a connection without a certificate, of which nothing is known */
  keysOfCertificate(serial: string | undefined): readonly string[] {
    return [...this.byCertificate.get(serial ?? "")];
  }

  add(key: string, machine: Machine): void {
    this.machines.set(key, machine);
    this.byGroup.add(groupOf(machine), key);
    this.settle(key, machine);
  }

  delete(key: string): Machine | undefined {
    const machine = this.machines.get(key);
    if (machine === undefined) return undefined;
    this.machines.delete(key);
    this.byGroup.delete(groupOf(machine), key);
    this.unsettle(key, machine);
    return machine;
  }

  /** Takes a machine's new place and certificate in place of those it had. */
  move(key: string, machine: Machine, account: Partial<Machine> & Pick<Machine, "place" | "certificate">): void {
    this.unsettle(key, machine);
    Object.assign(machine, account);
    this.settle(key, machine);
  }

  clear(): void {
    for (const map of [this.machines, this.byPlace, this.byGroup, this.byCertificate]) map.clear();
  }

  private settle(key: string, { place, certificate }: Machine): void {
    this.byPlace.set(place, key);
    if (certificate !== undefined) this.byCertificate.add(certificate, key);
  }

  private unsettle(key: string, { place, certificate = "" }: Machine): void {
    if (this.byPlace.get(place) === key) this.byPlace.delete(place);
    this.byCertificate.delete(certificate, key);
  }
}

function groupOf({ namespace, group }: Machine): string {
  return `${namespace}/${group}`;
}
