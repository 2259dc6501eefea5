// Notices when somebody flushes or changes the capture rules, and puts them back.
import type { Cancel, Clock } from "../kernel/clock.ts";
import { describeError } from "../kernel/error.ts";
import type { Stoppable } from "../kernel/lifecycle.ts";
import type { Log } from "../kernel/log.ts";
import type { Capture } from "./capture.ts";
import type { CaptureCheck } from "./capture-state.ts";

/** Polled: nf_tables' own events need a second long-lived process, and two looks in 10 s are enough. */
const defaultEveryMs = 5_000;

/** More repairs than this within the window mean that another program manages the rules; then it is only reported. */
const repairLimit = 5;
const repairWindowMs = 10 * 60_000;

export interface CaptureWatchOptions {
  capture: Capture;
  clock: Clock;
  log: Log;
  everyMs?: number;
  /** Called after every look that differs from the one before. */
  onChange?: (check: CaptureCheck) => void;
}

export class CaptureWatch implements Stoppable {
  private readonly options: CaptureWatchOptions;
  private readonly cancel: Cancel;
  private readonly repairs: number[] = [];
  private last: string | undefined;
  private running: Promise<void> | undefined;

  constructor(options: CaptureWatchOptions) {
    this.options = options;
    this.cancel = options.clock.every(options.everyMs ?? defaultEveryMs, () => void this.look());
  }

  /** One look now; joins a look in progress. Never rejects. */
  look(): Promise<void> {
    this.running ??= this.compare().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  async stop(): Promise<void> {
    this.cancel();
    await this.running;
  }

  private async compare(): Promise<void> {
    const { capture, log, onChange } = this.options;
    try {
      const check = await capture.check();
      const text = JSON.stringify(check);
      if (text !== this.last) {
        this.last = text;
        if (check.kind === "outranked") log.warn("other NAT rules are consulted before the capture", { by: check.by });
        onChange?.(check);
      }
      if (check.kind === "missing" || check.kind === "changed") await this.repair(check.kind);
    } catch (error) {
      log.error("the capture rules could not be checked", { error: describeError(error) });
    }
  }

  private async repair(found: string): Promise<void> {
    const { capture, clock, log } = this.options;
    if (capture.state.kind !== "confirmed") return;
    const now = clock.monotonic();
    while (this.repairs[0] !== undefined && this.repairs[0] < now - repairWindowMs) this.repairs.shift();
    if (this.repairs.length >= repairLimit) {
      log.error("the capture rules are changed again and again by another program; not repaired", { found });
      return;
    }
    this.repairs.push(now);
    await capture.repair();
    this.last = undefined;
    log.warn("the capture rules were changed by another program and are back", { found });
  }
}
