// A property that histories are tried on: with few runs by the tests, with as many as asked by run-histories.ts.
import fc from "fast-check";

/** What happened in all runs, by name: how often each kind of step was taken, say. */
export type Counts = Map<string, number>;

export interface HistoryProperty<T> {
  readonly name: string;
  readonly histories: fc.Arbitrary<T>;
  /** Throws where the history has an effect that it must not have. */
  check(history: T, counts: Counts): void | Promise<void>;
}

export interface PropertyReport {
  readonly name: string;
  readonly seed: number;
  readonly runs: number;
  readonly elapsedMs: number;
  readonly counts: Counts;
}

/** Seeds are printed, and a test may be given one: `HISTORY_SEED=… node --test …`. */
export function chooseSeed(): number {
  const given = Number(process.env["HISTORY_SEED"] ?? Number.NaN);
  return Number.isInteger(given) ? given : Math.floor(Math.random() * 0x7fff_ffff);
}

export function count(counts: Counts, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** @param options.cases histories that failed once, which are tried first */
export async function runProperty<T>(
  { name, histories, check }: HistoryProperty<T>,
  { runs, seed, cases }: { runs: number; seed: number; cases: readonly T[] },
): Promise<PropertyReport> {
  const counts: Counts = new Map();
  const start = performance.now();
  for (const known of cases) await check(known, counts);
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      await check(history, counts);
    }),
    { numRuns: runs, seed, endOnFailure: false },
  );
  return { name, seed, runs, elapsedMs: performance.now() - start, counts };
}
