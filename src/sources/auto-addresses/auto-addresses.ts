// Gives every host that states no address one of its own, and remembers it: names must not change their address when
// the control plane restarts.
import type { Change, Collection } from "../../collection/collection.ts";
import type { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import type { Config } from "../../config/object.ts";
import type { ServiceEntry } from "../../config/service-entry/service-entry.ts";
import { fromUtf8 } from "../../kernel/bytes.ts";
import type { Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Store } from "../../store/store.ts";
import { type AddressPair, addressPair, pairIndex, poolSize } from "./address-pool.ts";

const prefix = "/auto-addresses/";
/** Hosts written in one transaction. */
const batchLimit = 500;
/** Wait after a transaction that failed, milliseconds. */
const retryMs = 1000;
/** Istio's label that switches allocation off for an object. */
const optOutLabel = "networking.istio.io/enable-autoallocate-ip";

export interface AutoAddressesOptions {
  store: Store;
  graph: Graph;
  /** Objects of every kind; ServiceEntries are looked at. */
  configs: Collection<Config>;
  domainSuffix: string;
  clock: Clock;
  log: Log;
}

export class AutoAddresses implements Stoppable {
  /** By `namespace/host`. An address is published once it is durable. */
  readonly addresses: Source<AddressPair>;
  private readonly options: AutoAddressesOptions;
  private readonly taken = new Set<number>();
  /** Hosts that wait for their address to be written. */
  private readonly wanted = new Map<string, AddressPair>();
  private next = 1;
  private writing: Promise<void> = Promise.resolve();
  private busy = false;
  private stopped = false;
  private unsubscribe: () => void = () => {};

  private constructor(options: AutoAddressesOptions) {
    this.options = options;
    this.addresses = new Source<AddressPair>(options.graph, "auto-addresses");
  }

  /** Reads what was given before, then follows the objects. Resolves when every host of now has its address. */
  static async start(options: AutoAddressesOptions): Promise<AutoAddresses> {
    const self = new AutoAddresses(options);
    await self.load();
    self.unsubscribe = options.configs.subscribe((changes) => self.take(changes));
    self.take([...options.configs.entries()].map(([key, after]) => ({ key, before: undefined, after })));
    await self.writing;
    return self;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.unsubscribe();
    await this.writing;
  }

  private async load(): Promise<void> {
    const known = new Map<string, AddressPair>();
    for (let from: string | undefined, more = true; more; ) {
      const page = await this.options.store.list(prefix, from === undefined ? {} : { from });
      for (const { key, value } of page.entries) {
        const pair = JSON.parse(fromUtf8(value)) as AddressPair;
        const index = pairIndex(pair);
        if (index === undefined) continue;
        this.taken.add(index);
        known.set(key.slice(prefix.length), pair);
      }
      from = page.next;
      more = from !== undefined;
    }
    this.next = Math.max(0, ...this.taken) + 1;
    this.addresses.replace(known);
  }

  private take(changes: readonly Change<Config>[]): void {
    for (const { after } of changes) {
      if (after === undefined || after.key.kind !== "ServiceEntry") continue;
      for (const host of hostsWithoutAddress(after as Config<ServiceEntry>))
        this.want(`${after.key.namespace}/${this.fullName(host, after.key.namespace)}`);
    }
    this.write();
  }

  private fullName(host: string, namespace: string): string {
    const lower = host.toLowerCase().replace(/\.$/, "");
    return lower.includes(".") ? lower : `${lower}.${namespace}.svc.${this.options.domainSuffix}`;
  }

  private want(key: string): void {
    if (this.addresses.has(key) || this.wanted.has(key)) return;
    const index = this.freeIndex();
    if (index === undefined) {
      this.options.log.error("no address is left to allocate; state spec.addresses", { host: key, pool: poolSize });
      return;
    }
    this.taken.add(index);
    this.wanted.set(key, addressPair(index));
  }

  /** Sequential, so that an address is not given again soon after its host is gone. */
  private freeIndex(): number | undefined {
    for (let tried = 0; tried < poolSize; tried++) {
      const index = ((this.next - 1) % poolSize) + 1;
      this.next = index + 1;
      if (!this.taken.has(index)) return index;
    }
    return undefined;
  }

  private write(): void {
    if (this.busy || this.wanted.size === 0 || this.stopped) return;
    this.busy = true;
    this.writing = this.writeAll().finally(() => {
      this.busy = false;
    });
  }

  private async writeAll(): Promise<void> {
    while (this.wanted.size > 0 && !this.stopped) {
      const batch = [...this.wanted].slice(0, batchLimit);
      try {
        await this.options.store.txn({
          puts: batch.map(([key, pair]) => ({ key: `${prefix}${key}`, value: JSON.stringify(pair) })),
        });
      } catch (error) {
        this.options.log.error("allocated addresses cannot be stored; trying again", { error: describeError(error) });
        this.options.clock.after(retryMs, () => this.write());
        return;
      }
      this.options.graph.batch(() => {
        for (const [key, pair] of batch) {
          this.wanted.delete(key);
          this.addresses.set(key, pair);
        }
      });
    }
  }
}

/** Istio's rule: no stated address, a resolution other than NONE, no wildcard, not opted out. */
function hostsWithoutAddress(config: Config<ServiceEntry>): readonly string[] {
  const { addresses = [], resolution = "NONE", hosts } = config.spec;
  if (addresses.length > 0 || resolution === "NONE" || config.meta.labels?.[optOutLabel] === "false") return [];
  return hosts.filter((host) => !host.startsWith("*"));
}
