// Requests that have not come whole, of all streams together. One stream may hold as much as an honest request needs; many
// that never finish must not fill the memory.
import { serveErrors } from "../errors.ts";

/** A stream, which is told where its request takes too long. */
export interface RequestSender {
  fail(error: unknown): void;
}

export class UnfinishedRequests {
  private readonly limitBytes: number;
  private readonly onLimit: () => void;
  /** Memory held, bytes. The request that began first is in front. */
  private readonly held = new Map<RequestSender, number>();
  private total = 0;

  constructor(limitBytes: number, onLimit: () => void) {
    this.limitBytes = limitBytes;
    this.onLimit = onLimit;
  }

  /**
   * Says how much a stream holds now; 0 where its request is whole or the stream is over. Over the limit, the requests
   * that began first fail with LAT2101: those that are being sent are done soon.
   */
  note(sender: RequestSender, bytes: number): void {
    this.set(sender, bytes);
    for (const slowest of this.held.keys()) {
      if (this.total <= this.limitBytes) return;
      this.set(slowest, 0);
      this.onLimit();
      slowest.fail(serveErrors.limitExceeded("there are too many requests that do not come whole"));
    }
  }

  get heldBytes(): number {
    return this.total;
  }

  private set(sender: RequestSender, bytes: number): void {
    this.total += bytes - (this.held.get(sender) ?? 0);
    if (bytes > 0) this.held.set(sender, bytes);
    else this.held.delete(sender);
  }
}
