// Who waits for a place: of each network the oldest first, and the networks in turn, so that a crowd from one address does
// not stand before everybody else.

export class WaitingLine<T> {
  /** The network whose turn is next is in front; none is empty. */
  private readonly networks = new Map<string, Set<T>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** How many of a network wait. */
  sizeOf(network: string): number {
    return this.networks.get(network)?.size ?? 0;
  }

  add(network: string, waiter: T): void {
    const line = this.networks.get(network) ?? new Set();
    this.networks.set(network, line);
    if (line.has(waiter)) return;
    line.add(waiter);
    this.count += 1;
  }

  delete(network: string, waiter: T): void {
    const line = this.networks.get(network);
    if (line?.delete(waiter) !== true) return;
    this.count -= 1;
    if (line.size === 0) this.networks.delete(network);
  }

  /**
   * Takes out the next of the networks with the lowest rank; undefined where none may.
   *
   * @param rank 0 or more; undefined where the network may not
   */
  take(rank: (network: string) => number | undefined): { network: string; waiter: T } | undefined {
    let best: { network: string; line: Set<T>; rank: number } | undefined;
    for (const [network, line] of this.networks) {
      const its = rank(network);
      if (its === undefined || (best !== undefined && its >= best.rank)) continue;
      best = { network, line, rank: its };
      if (its === 0) break;
    }
    if (best === undefined) return undefined;
    const { network, line } = best;
    const [waiter] = line as Set<T & {}>;
    if (waiter === undefined) return undefined;
    this.networks.delete(network);
    this.networks.set(network, line); // its next turn comes after the others'
    this.delete(network, waiter);
    return { network, waiter };
  }

  /** The newest of the network from which most wait, and how many they are. */
  newestOfCrowd(): { waiter: T | undefined; size: number } {
    let crowd = new Set<T>();
    for (const line of this.networks.values()) if (line.size > crowd.size) crowd = line;
    return { waiter: [...crowd].at(-1), size: crowd.size };
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const line of this.networks.values()) yield* line;
  }
}
