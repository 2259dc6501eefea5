// Requests of all streams that were read and are not taken yet, worked off in short slices: what a fleet asks for when it
// comes back at once would otherwise be one long turn of the event loop.
import type { Clock } from "../../kernel/clock.ts";
import { Slices } from "../../kernel/slices.ts";

/** Of all requests that wait, bytes; beyond it a request is taken as it comes. */
const bytesLimit = 32 << 20;

export class RequestQueue {
  private readonly slices: Slices;
  private bytes = 0;

  constructor(clock: Clock) {
    this.slices = new Slices(clock);
  }

  get isFull(): boolean {
    return this.bytes >= bytesLimit;
  }

  /** Streams whose requests wait to be taken, or that are gone and hold something still. */
  get waiting(): number {
    return this.slices.size;
  }

  get counts(): { held: number; limit: number } {
    return { held: this.bytes, limit: bytesLimit };
  }

  /** A request of so many bytes waits, or where negative no longer does. */
  note(bytes: number): void {
    this.bytes += bytes;
  }

  /** @param step takes one request of a stream, or gives up what one holds. It must not throw. */
  add(step: () => void): void {
    this.slices.add(() => {
      step();
      return false;
    });
  }
}
