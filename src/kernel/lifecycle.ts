// One lifecycle for everything that lives long.

export interface Stoppable {
  /** Ends all work and frees what it holds. Safe to call twice; resolves once nothing is left. */
  stop(): Promise<void>;
}

/** Stops parts in the reverse order of their start, also when the start of a later one failed. */
export class Lifecycle implements Stoppable {
  private readonly parts: Stoppable[] = [];
  private stopping: Promise<void> | undefined;

  /** A part that comes after the stop has begun is stopped too. */
  add<T extends Stoppable>(part: T): T {
    this.parts.push(part);
    // Behind what is being stopped, also where that is over already.
    if (this.stopping !== undefined) this.stopping = this.stopping.finally(() => this.stopAll());
    return part;
  }

  /** Adds something that has only an end. */
  defer(stop: () => void | Promise<void>): void {
    this.parts.push({ stop: async () => stop() });
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  private async stopAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let part = this.parts.pop(); part !== undefined; part = this.parts.pop()) {
      try {
        await part.stop();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "parts failed to stop");
  }
}
