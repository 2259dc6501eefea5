// What proxies say of objects that were just written, as soon as it is known.
import type { Verdicts } from "../../contract/verdicts.ts";
import type { RefusalStatus } from "./refusal-status.ts";

/** Objects that one question may name. */
export const verdictObjects = 500;
/** Longest wait, milliseconds. */
export const verdictWaitMs = 30_000;

export interface VerdictSources {
  /** Resolves true once every proxy has answered all it was sent, false where that takes longer. */
  settled: (withinMs: number) => Promise<boolean>;
  /** Publishes what is known. */
  publish: () => void;
  /** What authors are told, by the key of the object. */
  statuses: {
    get(key: string): RefusalStatus | undefined;
    subscribe(listener: () => void): () => void;
  };
  keyOf: (object: string) => string | undefined;
}

/**
 * Waits for the proxies' answers, at most so long, and no longer than until one of the objects is found to be rejected.
 *
 * @param objects as `Kind/namespace/name`
 */
export async function waitForVerdicts(
  objects: readonly string[],
  withinMs: number,
  { settled, publish, statuses, keyOf }: VerdictSources,
): Promise<Verdicts> {
  const keys = objects.slice(0, verdictObjects).map((object) => [object, keyOf(object) ?? ""] as const);
  const rejected = (): Verdicts["rejected"] =>
    keys.flatMap(([object, key]) => {
      const status = statuses.get(key);
      return status === undefined
        ? []
        : [{ object, messages: status.validationMessages.map(({ message }) => message) }];
    });
  const { promise: told, resolve } = Promise.withResolvers<boolean>();
  const end = statuses.subscribe(() => {
    if (rejected().length > 0) resolve(false);
  });
  const isSettled = await Promise.race([settled(Math.min(withinMs, verdictWaitMs)), told]);
  end();
  publish();
  return { settled: isSettled, rejected: rejected() };
}
