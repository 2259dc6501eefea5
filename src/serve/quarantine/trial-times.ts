// When content that is set aside is offered once more. While it is, nobody's word sets it aside again: those who would take
// it must be sent it first.
import type { Subject } from "./subject.ts";

/** How long content is offered, milliseconds: a push and its answer take far less. */
export const trialMs = 2_000;
/** Between two trials of one content, and before the first, milliseconds: one that is bad is rejected by all each time. */
export const restMs = 60_000;
/**
 * Nor before this, milliseconds, where no stream has come since: one may have been too slow, or have asked for the name only
 * afterwards.
 */
export const againMs = 600_000;
/** Contents that are looked at in one tick: each costs a look at every stream. */
export const trialsAtOnce = 8;

interface Trial {
  readonly subject: Subject;
  /** When it was offered last; undefined before the first time. */
  triedAtMs: number | undefined;
  /** Not again before. */
  restsUntilMs: number;
}

/** All times are monotonic milliseconds. */
export class TrialTimes {
  private readonly limit: number;
  /** By id of the case; those that were looked at last at the end. */
  private readonly trials = new Map<string, Trial>();
  private readonly running = new Map<string, Trial>();
  private nowMs = 0;

  /** @param limit contents that are remembered */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Content was set aside. */
  aside(id: string, subject: Subject): void {
    if (this.trials.has(id)) return;
    this.note(id, { subject, triedAtMs: undefined, restsUntilMs: this.nowMs + restMs });
  }

  /** Nobody will ask for it any more. */
  forget(id: string): void {
    this.trials.delete(id);
    this.running.delete(id);
  }

  /** @returns contents whose trial is over now */
  tick(nowMs: number): Subject[] {
    this.nowMs = nowMs;
    const over: Subject[] = [];
    for (const [id, { subject, triedAtMs = 0 }] of this.running) {
      if (nowMs - triedAtMs < trialMs) continue;
      this.running.delete(id);
      over.push(subject);
    }
    return over;
  }

  /** Contents that have rested, the longest waiting first; each rests again from now on. */
  due(): string[] {
    const found: string[] = [];
    for (const [id, { restsUntilMs }] of this.trials) {
      if (found.length >= trialsAtOnce) break;
      if (restsUntilMs <= this.nowMs) found.push(id);
    }
    for (const id of found) {
      const trial = this.trials.get(id);
      if (trial !== undefined) this.note(id, { ...trial, restsUntilMs: this.nowMs + restMs });
    }
    return found;
  }

  /** @param sinceMs when the stream that it may be offered to asked for its last type */
  mayOffer(id: string, sinceMs: number): boolean {
    const triedAtMs = this.trials.get(id)?.triedAtMs;
    return triedAtMs === undefined || sinceMs >= triedAtMs || this.nowMs - triedAtMs >= againMs;
  }

  begin(id: string): void {
    const trial = this.trials.get(id);
    if (trial === undefined) return;
    trial.triedAtMs = this.nowMs;
    this.running.set(id, trial);
  }

  /** Whether something is on trial that fits. */
  isOn(fits: (subject: Subject) => boolean): boolean {
    for (const { subject } of this.running.values()) if (fits(subject)) return true;
    return false;
  }

  private note(id: string, trial: Trial): void {
    this.trials.delete(id);
    for (const oldest of this.trials.keys()) {
      if (this.trials.size < this.limit) break;
      this.forget(oldest);
    }
    this.trials.set(id, trial);
  }
}
