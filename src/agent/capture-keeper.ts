// Keeps capture in step with the machine's configuration, once Envoy can take the traffic.
import type { MachineConfig } from "../../gen/lateen/agent/v1/agent_pb.ts";
import type { Cancel, Clock } from "../kernel/clock.ts";
import { sameData } from "../kernel/equal.ts";
import { describeError } from "../kernel/error.ts";
import type { Stoppable } from "../kernel/lifecycle.ts";
import type { Log } from "../kernel/log.ts";
import type { CapturePart } from "./parts.ts";

/** Wait after a failed attempt, milliseconds: what is in the way is often another program's rules. */
export const captureRetryMs = 30_000;

export interface CaptureKeeperOptions {
  capture: CapturePart;
  /** What should be captured now. */
  wanted: () => MachineConfig;
  /** Called after each attempt. */
  changed: () => void;
  clock: Clock;
  log: Log;
}

export class CaptureKeeper implements Stoppable {
  private readonly options: CaptureKeeperOptions;
  private applied: MachineConfig | undefined;
  private failure: string | undefined;
  private work: Promise<void> | undefined;
  private cancelRetry: Cancel | undefined;
  /** What is applied was for the machine as it was before. */
  private stale = false;
  private stopped = false;
  private readonly unfollow: (() => void) | undefined;

  constructor(options: CaptureKeeperOptions) {
    this.options = options;
    this.unfollow = options.capture.onStale?.(() => {
      this.stale = true;
      this.update();
    });
  }

  /** Why traffic is not captured; undefined while it is. */
  get obstacle(): string | undefined {
    if (this.applied !== undefined) return undefined;
    return this.failure === undefined ? "traffic is not captured yet" : `traffic is not captured: ${this.failure}`;
  }

  /** Captures what is wanted now, unless that is captured already. */
  update(): void {
    if (this.stopped || this.work !== undefined) return;
    this.cancelRetry?.();
    this.work = this.apply().finally(() => {
      this.work = undefined;
      this.options.changed();
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.unfollow?.();
    this.cancelRetry?.();
    await this.work;
    await this.options.capture.stop();
  }

  private async apply(): Promise<void> {
    const { capture, wanted, log, clock } = this.options;
    const isDue = (config: MachineConfig): boolean => this.stale || !sameData(config, this.applied);
    for (let config = wanted(); !this.stopped && isDue(config); config = wanted()) {
      try {
        this.stale = false;
        await capture.apply(config);
        this.applied = config;
        this.failure = undefined;
      } catch (error) {
        this.stale = true;
        this.failure = describeError(error);
        log.error("traffic could not be captured", { error: this.failure, retryInMs: captureRetryMs });
        this.cancelRetry = clock.after(captureRetryMs, () => this.update());
        return;
      }
    }
  }
}
