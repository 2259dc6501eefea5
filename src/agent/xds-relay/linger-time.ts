// When names are given up that an Envoy of before asked for, or the disk has, and the present one does not ask for.
import type { Cancel, Clock } from "../../kernel/clock.ts";

/**
 * Names are kept this long after all is there that makes Envoy ask for them again, milliseconds: it does so only as its clusters
 * and listeners warm, and nothing should be fetched twice for that.
 */
export const lingerMs = 60_000;

export interface LingerTimeOptions {
  clock: Clock;
  /**
   * True where the time may pass: Envoy has had what makes it ask, and what is given up can be fetched again. Before it asks
   * for anything Envoy may wait for name servers for minutes, and without a control plane what is given up is lost.
   */
  mayPass: () => boolean;
  /** The time is over. */
  end: () => void;
}

export class LingerTime {
  private readonly options: LingerTimeOptions;
  private isOver = false;
  private cancelTimer: Cancel | undefined;

  constructor(options: LingerTimeOptions) {
    this.options = options;
  }

  /** There are other names to be given up, or somebody else to ask for them: the whole time is given again. */
  restart(): void {
    this.stop();
    this.isOver = false;
    this.check();
  }

  /** Whether the time may pass is to be looked at again. */
  check(): void {
    if (this.isOver) return;
    if (!this.options.mayPass()) this.stop();
    else this.cancelTimer ??= this.options.clock.after(lingerMs, () => this.over());
  }

  stop(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private over(): void {
    this.cancelTimer = undefined;
    this.isOver = true;
    this.options.end();
  }
}
