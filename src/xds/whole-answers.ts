// What clients that hold nothing are sent first: one list for all that see the same and ask for the same, so that a thousand
// proxies which start cost one walk over the resources, and whoever gets the list can tell that it was there before.
import type { ResourceSet, Revision } from "./generator.ts";
import type { Resource } from "./resource.ts";

/** Lists that are kept. */
const answerLimit = 16;
/** A list is dropped when nobody asked for it this long, milliseconds. */
const keptMs = 2_000;
/** Shorter lists are not worth keeping. */
const smallestKept = 2;

export interface WholeAnswer {
  readonly resources: readonly Resource[];
  /** Their names. */
  readonly names: readonly string[];
}

interface Kept {
  readonly revision: Revision;
  readonly wanted: ReadonlySet<string>;
  readonly limitBytes: number;
  readonly answer: WholeAnswer;
  /** Asked for since the last `expire`. */
  isUsed: boolean;
}

export class WholeAnswers {
  /** Newest use first. */
  private answers: Kept[] = [];
  private expiredMs = 0;
  private hits = 0;
  private misses = 0;

  /**
   * The list, if it was kept; the same object each time.
   *
   * @param wanted names asked for one by one, as the object that all who ask for them have; empty where everything is asked for
   */
  find(set: ResourceSet, wanted: ReadonlySet<string>, limitBytes: number): WholeAnswer | undefined {
    const revision = set.revision?.();
    if (revision === undefined) return undefined;
    const at = this.answers.findIndex(
      (kept) => kept.wanted === wanted && kept.limitBytes === limitBytes && isSame(kept.revision, revision),
    );
    const [kept] = at < 0 ? [] : this.answers.splice(at, 1);
    if (kept === undefined) {
      this.misses += 1;
      return undefined;
    }
    this.hits += 1;
    this.answers.unshift(kept);
    kept.isUsed = true;
    return kept.answer;
  }

  keep(set: ResourceSet, wanted: ReadonlySet<string>, limitBytes: number, answer: WholeAnswer): void {
    const revision = answer.names.length < smallestKept ? undefined : set.revision?.();
    if (revision === undefined) return;
    if (this.answers.length >= answerLimit) this.answers.pop();
    this.answers.unshift({ revision, wanted, limitBytes, answer, isUsed: true });
  }

  /** Forgets what was not used lately. `nowMs` is monotonic. */
  expire(nowMs: number): void {
    if (nowMs - this.expiredMs < keptMs) return;
    this.expiredMs = nowMs;
    this.answers = this.answers.filter((kept) => kept.isUsed);
    for (const kept of this.answers) kept.isUsed = false;
  }

  get counts(): { kept: number; limit: number; hits: number; misses: number } {
    return { kept: this.answers.length, limit: answerLimit, hits: this.hits, misses: this.misses };
  }
}

function isSame(a: Revision, b: Revision): boolean {
  if (a.generation !== b.generation || a.parts.length !== b.parts.length) return false;
  return a.parts.every((part, index) => part === b.parts[index]);
}
