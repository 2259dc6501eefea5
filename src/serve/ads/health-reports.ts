// Health reports of one stream: only changes count, and at most one a second is passed on (X7).
import type { Clock } from "../../kernel/clock.ts";
import type { HealthReport } from "./ads-hooks.ts";

/** Shortest time between two reports that are passed on, milliseconds. */
const intervalMs = 1_000;

export class HealthReports {
  private readonly clock: Clock;
  private readonly deliver: (report: HealthReport) => void;
  private delivered: { report: HealthReport; atMs: number } | undefined;
  /** The newest report that could not be passed on yet. */
  private waiting: HealthReport | undefined;

  constructor(clock: Clock, deliver: (report: HealthReport) => void) {
    this.clock = clock;
    this.deliver = deliver;
  }

  take(report: HealthReport): void {
    this.waiting = report;
    this.tick();
  }

  /** Passes on what was held back, once it is old enough. */
  tick(): void {
    const { waiting, delivered } = this;
    if (waiting === undefined) return;
    const now = this.clock.monotonic();
    if (delivered !== undefined && now - delivered.atMs < intervalMs) return;
    this.waiting = undefined;
    if (delivered?.report.healthy === waiting.healthy && delivered.report.message === waiting.message) return;
    this.delivered = { report: waiting, atMs: now };
    this.deliver(waiting);
  }
}
