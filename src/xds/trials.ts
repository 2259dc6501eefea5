// What is sent once more after a rejection, to find out which resource of the message was meant.
import { isolationGroups } from "./isolation.ts";

/** One more message to send. */
export interface Trial {
  /** 1: by the names in the client's text; 2: in even groups. */
  readonly round: number;
  readonly names: readonly string[];
  /** Those under which the client held nothing before the rejected message. */
  readonly fresh: readonly string[];
}

/** Rounds of trials after a rejected message. */
const roundLimit = 2;
/** After so many rejections in a row the client is taken to reject everything, and trials end (X6). */
const rejectionLimit = 16;

export class Trials {
  private queue: Trial[] = [];
  /** The names in the queue. */
  private readonly names = new Set<string>();
  private rejectionsInRow = 0;

  get empty(): boolean {
    return this.queue.length === 0;
  }

  /** True where the name waits for its trial: what the client holds of it is not known. */
  has(name: string): boolean {
    return this.names.has(name);
  }

  /** The client accepted a message. */
  accepted(): void {
    this.rejectionsInRow = 0;
  }

  /** The client rejected a message. Returns false where it is to be left alone from now on. */
  rejected(): boolean {
    this.rejectionsInRow += 1;
    return this.rejectionsInRow < rejectionLimit;
  }

  /**
   * Splits the names of a rejected message into messages to send once more. Returns false where there have been enough.
   *
   * @param fresh names under which the client held nothing before
   * @param round of the message that was rejected; 0 where it was no trial
   */
  split(names: readonly string[], fresh: ReadonlySet<string>, message: string, round: number): boolean {
    if (round >= roundLimit) return false;
    const groups = isolationGroups(names, round === 0 ? message : "");
    for (const name of names) this.names.add(name);
    for (const group of groups) {
      this.queue.push({ round: round + 1, names: group, fresh: group.filter((name) => fresh.has(name)) });
    }
    return true;
  }

  next(): Trial | undefined {
    const trial = this.queue.shift();
    for (const name of trial?.names ?? []) this.names.delete(name);
    return trial;
  }

  /** Drops the names that are not wanted any more. */
  retain(wanted: (name: string) => boolean): void {
    if (this.queue.length === 0) return;
    const trials = this.queue.map((trial) => ({ ...trial, names: trial.names.filter(wanted) }));
    this.queue = trials.filter(({ names }) => names.length > 0);
    for (const name of this.names) if (!wanted(name)) this.names.delete(name);
  }

  /** Gives up; returns what was still to be tried. */
  abandon(): string[] {
    const names = [...this.names];
    this.queue = [];
    this.names.clear();
    return names;
  }
}
