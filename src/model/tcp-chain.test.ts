import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ClusterName } from "./cluster-name.ts";
import { type TcpChain, type TcpMatch, withoutEqualMatches } from "./tcp-chain.ts";

const some = (...values: string[]) => fc.uniqueArray(fc.constantFrom(...values), { maxLength: 2 });
const match: fc.Arbitrary<TcpMatch> = fc.record({
  serverNames: some("a", "b", "*.c"),
  destinations: some("10.0.0.0/8", "10.1.0.0/16"),
  sources: some("192.168.0.0/16", "192.168.1.0/24"),
});
const chains = fc.array(match, { maxLength: 6 }).map((matches) =>
  matches.map((one, index): TcpChain => {
    const destinations = [{ cluster: `c${index}` as ClusterName, weight: 1 }];
    return { host: `h${index % 3}`, match: one, destinations, idleTimeout: undefined };
  }),
);

/** What each chain asks for, one value of each criterion at a time, as Envoy stores it. */
function cells({ match: { serverNames, destinations, sources } }: TcpChain): string[] {
  const each = (list: readonly string[]): readonly string[] => (list.length === 0 ? [""] : list);
  return each(serverNames).flatMap((name) =>
    each(destinations).flatMap((block) => each(sources).map((from) => `${name}|${block}|${from}`)),
  );
}

/** What a cell asks for beside its source. */
function placeOf(cell: string): string {
  return cell.slice(0, cell.lastIndexOf("|"));
}

describe("withoutEqualMatches", () => {
  it("leaves no place to two hosts and no match to two chains, loses no other, and the first keeps what two ask for", () => {
    fc.assert(
      fc.property(chains, (given) => {
        const kept = withoutEqualMatches(given).flatMap((chain) =>
          cells(chain).map((cell) => [cell, chain.destinations[0]?.cluster] as const),
        );
        assert.equal(new Set(kept.map(([cell]) => cell)).size, kept.length, "two chains with one match");
        const owners = new Map<string, string>();
        const expected = new Map<string, string | undefined>();
        for (const chain of given) {
          for (const cell of cells(chain)) {
            if (!owners.has(placeOf(cell))) owners.set(placeOf(cell), chain.host);
            if (owners.get(placeOf(cell)) !== chain.host || expected.has(cell)) continue;
            expected.set(cell, chain.destinations[0]?.cluster);
          }
        }
        assert.deepEqual(new Map([...kept].sort()), new Map([...expected].sort()));
      }),
      { numRuns: 1000 },
    );
  });
});
