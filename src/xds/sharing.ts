// What the streams of one server have in common, so that what is the same for a thousand of them is there once.
import type { NamePool } from "./name-pool.ts";
import type { WholeAnswers } from "./whole-answers.ts";

export interface Sharing {
  readonly names: NamePool;
  readonly answers: WholeAnswers;
}
