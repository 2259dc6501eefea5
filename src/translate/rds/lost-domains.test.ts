import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import type { PlacedVirtualHost } from "../../model/scope-view.ts";
import { LostDomains } from "./lost-domains.ts";

const hosts = ["a", "b", "c", "*.d", "*"];
const names = [...hosts, "a.", "b.", "c.", "10.0.0.1", "10.0.0.2"];

const placed = fc
  .record({
    host: fc.constantFrom(...hosts),
    port: fc.constantFrom(80, 81),
    others: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 4 }),
    rank: fc.constantFrom("", "1", "2"),
  })
  .map(({ host, port, others, rank }) => ({
    key: `${port}/${host}`,
    value: {
      port,
      virtualHost: {
        name: `${host}:${port}`,
        domains: [...new Set([host, ...others])],
        rank,
        rules: [],
        fallback: undefined,
        virtualService: undefined,
        sources: [],
      },
    } satisfies PlacedVirtualHost,
  }));

const batch = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: placed },
    fc.record({ key: placed.map(({ key }) => key), value: fc.constant(undefined) }),
  ),
  { minLength: 1, maxLength: 4 },
);

/** The rule in one piece: own names first, in order of key, then everything else by rank. */
function lostOf(input: ReadonlyMap<string, PlacedVirtualHost>): Record<string, string[]> {
  const sorted = [...input].sort(([a], [b]) => (a < b ? -1 : 1));
  const owners = new Map<string, string>();
  const claim = (key: string, port: number, domain: string): void => {
    const place = `${port} ${domain}`;
    if (!owners.has(place)) owners.set(place, key);
  };
  for (const [key, { port, virtualHost }] of sorted) {
    const [host = ""] = virtualHost.domains;
    for (const domain of virtualHost.domains) if (domain === host || domain === `${host}.`) claim(key, port, domain);
  }
  const byRank = sorted.toSorted(([, a], [, b]) => Number(a.virtualHost.rank) - Number(b.virtualHost.rank));
  for (const [key, { port, virtualHost }] of byRank) for (const domain of virtualHost.domains) claim(key, port, domain);
  const lost = sorted.map(([key, { port, virtualHost }]): [string, string[]] => [
    key,
    virtualHost.domains.filter((domain) => domain === "*" || owners.get(`${port} ${domain}`) !== key),
  ]);
  return Object.fromEntries(lost.filter(([, domains]) => domains.length > 0));
}

test("after any history, each domain is with the first that may have it, and everybody else has lost it", () => {
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 12 }), fc.nat(3), (batches, startsAfter) => {
      const graph = new Graph(({ error }) => {
        throw error;
      });
      const input = new Source<PlacedVirtualHost>(graph, "input");
      let lost: LostDomains | undefined;
      for (const [index, changes] of [...batches, []].entries()) {
        if (index === Math.min(startsAfter, batches.length)) lost = new LostDomains("lost", input);
        graph.batch(() => {
          for (const { key, value } of changes) {
            if (value === undefined) input.delete(key);
            else input.set(key, value);
          }
        });
        if (lost === undefined) continue;
        assert.deepEqual(Object.fromEntries(lost.entries()), lostOf(new Map(input.entries())));
      }
      lost?.dispose();
      assert.equal(input.observers, 0);
    }),
    { numRuns: 1_000 },
  );
});
