// The machine's network as it is now, as far as the control plane must know it.
import type { NetworkInterfaceInfo } from "node:os";
import type { Cancel, Clock } from "../kernel/clock.ts";
import type { Stoppable } from "../kernel/lifecycle.ts";
import type { Log } from "../kernel/log.ts";

export interface MachineNetwork {
  /** Addresses that others can reach, the primary one first. */
  readonly addresses: readonly string[];
  /** The kernel does IPv6: calls over it may come at any time, whatever the addresses are now. */
  readonly ipv6: boolean;
}

/** As many as a control plane takes at a join. */
const addressLimit = 64;

/** RFC 4291 section 2.5.6, RFC 3927. */
const linkLocal = /^(?:fe[89ab][0-9a-f]:|169\.254\.)/i;

/** Addresses that others can reach, IPv4 first; those of loopback and link-local ones are left out. */
export function reachableAddresses(
  interfaces: Readonly<
    Record<string, readonly Pick<NetworkInterfaceInfo, "address" | "family" | "internal">[] | undefined>
  >,
): string[] {
  const usable = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !linkLocal.test(address));
  const ordered = usable.sort((a, b) => a.family.localeCompare(b.family)).map(({ address }) => address);
  return [...new Set(ordered)].slice(0, addressLimit);
}

/** Polled: Node tells of no changes of addresses. Two looks must agree, so that an interface that comes up costs one stream. */
export const networkEveryMs = 5_000;

export interface NetworkFollowerOptions {
  network: () => MachineNetwork;
  /** Called when it is another one than when the follower was made, or was last told of. */
  changed: () => void;
  clock: Clock;
  log: Log;
}

export class NetworkFollower implements Stoppable {
  private readonly cancel: Cancel;
  private known: string;
  private next: string | undefined;

  constructor({ network, changed, clock, log }: NetworkFollowerOptions) {
    this.known = JSON.stringify(network());
    this.cancel = clock.every(networkEveryMs, () => {
      const seen = JSON.stringify(network());
      const settled = seen === this.next;
      this.next = seen;
      if (seen === this.known || !settled) return;
      this.known = seen;
      log.info("the machine's addresses have changed", { addresses: network().addresses });
      changed();
    });
  }

  async stop(): Promise<void> {
    this.cancel();
  }
}

/**
 * Addresses that stay keep their order, new ones come last: the first is the one that others call, and kernels list the
 * newest first. A machine that has lost all of them keeps the last ones until there are others.
 */
export function withSteadyAddresses(look: () => MachineNetwork): () => MachineNetwork {
  let last: readonly string[] = [];
  return () => {
    const { addresses, ipv6 } = look();
    const kept = last.filter((address) => addresses.includes(address));
    if (addresses.length > 0) last = [...kept, ...addresses.filter((address) => !kept.includes(address))];
    return { addresses: last, ipv6 };
  };
}
