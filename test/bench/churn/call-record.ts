// What the callers report, held against what was true: every call answered, by an application that it may reach.
import type { AnswerCount, CallReport, FailedCall } from "../../kit/app/caller.ts";
import { monotonicMs } from "../xds/fleet-messages.ts";

export interface BadCall {
  caller: string;
  what: string;
  /** The last changes before its end, newest first. */
  changes: string[];
}

/** How long an endpoint that was taken out may still be called: longer than any proxy is behind. Milliseconds. */
const goneMs = 5_000;
/** Bad calls that are described; the rest are counted. */
const describedLimit = 200;
const changeLimit = 500;

interface Reach {
  fromMs: number;
  names: ReadonlySet<string>;
}

export class CallRecord {
  readonly bad: BadCall[] = [];
  failedCount = 0;
  strayedCount = 0;
  answered = 0;
  retried = 0;
  skipped = 0;
  longestMs = 0;
  /** Changes of routes that calls have shown: by service and x-step. */
  readonly shown = new Set<string>();
  readonly byWay: Record<string, number> = {};
  private readonly changes: { atMs: number; what: string }[] = [];
  /** Applications that may answer, by service and x-step. */
  private readonly routed = new Map<string, ReadonlySet<string>>();
  private readonly reachable = new Map<string, Reach[]>();
  /** The x-step of the newest answer, by service, caller and port. */
  private readonly newest = new Map<string, Map<string, { step: string; lastMs: number }>>();
  private readonly watchers = new Set<() => void>();

  /** A change is about to be written. */
  changed(what: string): void {
    this.changes.push({ atMs: monotonicMs(), what });
    if (this.changes.length > changeLimit) this.changes.shift();
  }

  route(key: string, step: string, names: readonly string[]): void {
    this.routed.set(`${key} ${step}`, new Set(names));
  }

  reach(key: string, names: readonly string[]): void {
    const list = this.reachable.get(key) ?? [];
    this.reachable.set(key, list);
    list.push({ fromMs: monotonicMs(), names: new Set(names) });
    // What is older than this no report speaks of.
    while (list.length > 2 && (list[1]?.fromMs ?? 0) < monotonicMs() - 60_000) list.shift();
  }

  take(caller: string, report: CallReport): void {
    this.skipped += report.skipped;
    for (const answer of report.answers) this.takeAnswer(caller, answer);
    for (const call of report.failed) this.takeFailure(caller, call);
    for (const look of [...this.watchers]) look();
  }

  /** Resolves once the newest requests of every caller to a service had this x-step. */
  until(key: string, step: string, callers: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        const seen = [...(this.newest.get(key)?.values() ?? [])];
        // Two ports of HTTP, each with routes of its own.
        if (seen.length < 2 * callers || seen.some((entry) => entry.step !== step)) return;
        this.watchers.delete(look);
        resolve();
      };
      this.watchers.add(look);
      look();
    });
  }

  private takeAnswer(caller: string, answer: AnswerCount): void {
    const { key, way, name, step, count, firstMs, lastMs } = answer;
    this.answered += count;
    this.byWay[way] = (this.byWay[way] ?? 0) + count;
    this.retried += answer.retried;
    this.longestMs = Math.max(this.longestMs, answer.longestMs);
    const routed = way === "tcp" || (this.routed.get(`${key} ${step}`)?.has(name) ?? false);
    if (!routed || !this.reached(key, name, firstMs, lastMs)) {
      this.strayedCount += count;
      this.describe(caller, `${count} ${way} calls to ${key} (x-step ${step}) answered by ${name}`, lastMs);
    }
    if (way === "tcp") return;
    if (step !== "") this.shown.add(`${key} ${step}`);
    const byPort = this.newest.get(key) ?? new Map<string, { step: string; lastMs: number }>();
    this.newest.set(key, byPort);
    const port = `${caller} ${way === "grpc" ? "grpc" : "http"}`;
    const known = byPort.get(port);
    if (known === undefined || known.lastMs <= lastMs) byPort.set(port, { step, lastMs });
  }

  /** Whether the application was an endpoint at some time from shortly before until after. */
  private reached(key: string, name: string, firstMs: number, lastMs: number): boolean {
    const list = this.reachable.get(key) ?? [];
    return list.some(({ fromMs, names }, index) => {
      const untilMs = (list[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY) + goneMs;
      return names.has(name) && fromMs <= lastMs && untilMs >= firstMs;
    });
  }

  private takeFailure(caller: string, { key, way, status, detail, atMs, tookMs }: FailedCall): void {
    this.failedCount += 1;
    const outcome = status === 0 ? "no answer" : `status ${status}`;
    this.describe(caller, `${way} call to ${key}: ${outcome} after ${tookMs.toFixed(0)} ms, ${detail}`, atMs + tookMs);
  }

  private describe(caller: string, what: string, endMs: number): void {
    if (this.bad.length >= describedLimit) return;
    const before = this.changes.filter(({ atMs }) => atMs <= endMs).slice(-6);
    const changes = before.reverse().map((change) => `${(endMs - change.atMs).toFixed(0)} ms before: ${change.what}`);
    this.bad.push({ caller, what, changes });
  }
}
