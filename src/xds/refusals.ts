// What one client refused of one type and was not offered anew since, and what is sent once more to find out what it refused.
import type { ResourceSet } from "./generator.ts";
import type { Resource } from "./resource.ts";
import type { Batch } from "./subscription-request.ts";
import { type Trial, Trials } from "./trials.ts";

/** How names stand beside their refusal. */
interface Names {
  wants(name: string): boolean;
  /** True where something newer waits to be sent. */
  isBehind(name: string): boolean;
}

export class Refusals {
  private readonly set: ResourceSet;
  private readonly names: Names;
  private readonly isolates: boolean;
  private readonly byName = new Map<string, Resource>();
  private readonly trials = new Trials();
  /** Refused names under which the client holds nothing older. */
  private readonly neverHeld = new Set<string>();

  /** @param isolates a message can be sent in parts to find the bad resource */
  constructor(set: ResourceSet, names: Names, isolates: boolean) {
    this.set = set;
    this.names = names;
    this.isolates = isolates;
  }

  get resources(): Map<string, Resource> {
    return this.byName;
  }

  get hasTrials(): boolean {
    return !this.trials.empty;
  }

  /** True while the client goes on with an older version of something, or it is being found out of what. */
  get keepsOlder(): boolean {
    if (this.hasTrials) return true;
    for (const name of this.byName.keys()) if (!this.neverHeld.has(name)) return true;
    return false;
  }

  nextTrial(): Trial | undefined {
    return this.trials.next();
  }

  /** There is something newer. Returns true where the client's refusal is why nobody knows what it holds. */
  overtaken(name: string): boolean {
    if (this.neverHeld.size > 0 && this.set.get(name) === undefined) this.neverHeld.delete(name);
    return this.byName.delete(name) || this.trials.has(name);
  }

  /** Goes out anew, or need not any more. */
  forget(name: string): void {
    if (this.byName.size > 0) this.byName.delete(name);
  }

  /** The client does not want all it wanted any more. */
  retain(): void {
    this.trials.retain((name) => this.names.wants(name));
    for (const refused of [this.byName, this.neverHeld]) {
      for (const name of refused.keys()) if (!this.names.wants(name)) refused.delete(name);
    }
  }

  /** A message was accepted. */
  accepted({ resources }: Batch): void {
    this.trials.accepted();
    if (this.neverHeld.size > 0) for (const { name } of resources) this.neverHeld.delete(name);
  }

  /**
   * A message was rejected.
   *
   * @param fresh names in it under which the client held nothing
   * @param meant the resources that the rejection may be about
   * @returns what is refused from now on; nothing while it is being found out
   */
  rejected(batch: Batch, fresh: readonly string[], message: string, meant: readonly Resource[]): readonly Resource[] {
    const names = [...batch.resources.map((resource) => resource.name), ...batch.removed];
    const lacking = new Set([...fresh, ...names.filter((name) => this.neverHeld.has(name))]);
    // Of a message of several Envoy takes what it can.
    for (const name of names) this.neverHeld.delete(name);
    const patient = this.trials.rejected();
    if (this.isolates && patient && names.length > 1) {
      const concerned = names.filter((name) => this.concerns(name));
      if (this.trials.split(concerned, lacking, message, batch.trial)) return [];
    }
    const refused = meant.filter(({ name }) => !this.names.isBehind(name));
    const [only] = this.isolates && names.length === 1 ? names.filter((name) => lacking.has(name)) : [];
    if (only !== undefined && this.names.wants(only) && this.set.get(only) !== undefined) this.neverHeld.add(only);
    if (!patient) refused.push(...this.abandonTrials());
    for (const resource of refused) if (this.names.wants(resource.name)) this.byName.set(resource.name, resource);
    return refused;
  }

  private abandonTrials(): Resource[] {
    return this.trials
      .abandon()
      .filter((name) => this.concerns(name))
      .map((name) => this.set.get(name))
      .filter((resource) => resource !== undefined);
  }

  /** False for what was given up meanwhile: it is refused by nobody and must not count against the client for ever. */
  private concerns(name: string): boolean {
    return this.names.wants(name) && !this.names.isBehind(name);
  }
}
