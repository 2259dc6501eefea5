// The requests of one stream between its socket and who takes them, oldest first. A client that asks faster than it may, or
// faster than it is answered, is left unread (X6, X7).
import type { Cancel, Clock } from "../../kernel/clock.ts";
import type { RequestBudget } from "./request-budget.ts";
import type { RequestQueue } from "./request-queue.ts";

/** Requests of one stream that wait at most; more that came in one piece with them are taken at once. */
const waitingLimit = 16;

export interface InboxOptions {
  queue: RequestQueue;
  budget: RequestBudget;
  clock: Clock;
  /** Leaves the client unread, and reads on. */
  stream: { pause(): void; resume(): void };
  /** Takes one request. What it throws is handed to `failed`. */
  take: (request: Uint8Array) => void;
  /** Told of each request that nobody needs any more. */
  done: (request: Uint8Array) => void;
  failed: (error: unknown) => void;
  /** Told of a client that is left unread because it asks too often. */
  onThrottled: () => void;
  /** Told when the client will send no more and all that may be taken has been. */
  onEnd: () => void;
}

export class Inbox {
  private readonly options: InboxOptions;
  private readonly waiting: Uint8Array[] = [];
  private state: "open" | "held" | "closed" = "open";
  /** What `take` put back. */
  private putBack: Uint8Array | undefined;
  private queued = false;
  private ended = false;
  private throttled = false;
  private flowing = true;
  private cancelThrottle: Cancel = () => {};

  constructor(options: InboxOptions) {
    this.options = options;
  }

  receive(request: Uint8Array): void {
    if (this.state === "closed") return;
    this.spend();
    this.waiting.push(request);
    this.options.queue.note(request.length);
    if (this.waiting.length > waitingLimit || this.options.queue.isFull) {
      while (this.takeNext());
    } else this.queueUp();
    this.flow();
  }

  /** Puts a request back that cannot be taken before `release`, and leaves the others where they are. */
  hold(request: Uint8Array): void {
    if (this.state === "closed") return;
    this.state = "held";
    this.putBack = request;
    this.waiting.unshift(request);
    this.options.queue.note(request.length);
    this.flow();
  }

  release(): void {
    if (this.state !== "held") return;
    this.state = "open";
    this.queueUp();
    this.flow();
  }

  /** The client will send no more. What comes after it in the queue is later than what it sent. */
  end(): void {
    this.ended = true;
    this.queueUp();
  }

  /** Nothing is handed on any more. */
  close(): void {
    this.state = "closed";
    this.cancelThrottle();
    for (const request of this.waiting.splice(0)) {
      this.options.queue.note(-request.length);
      this.options.done(request);
    }
  }

  private spend(): void {
    const { budget, clock, onThrottled } = this.options;
    const pauseMs = budget.spend();
    if (pauseMs === 0) return;
    onThrottled();
    this.throttled = true;
    this.cancelThrottle();
    this.cancelThrottle = clock.after(pauseMs, () => {
      this.throttled = false;
      this.flow();
    });
  }

  private queueUp(): void {
    const isDue = this.ended || (this.state === "open" && this.waiting.length > 0);
    if (this.queued || this.state === "closed" || !isDue) return;
    this.queued = true;
    this.options.queue.add(() => this.turn());
  }

  /** One request; the next one after a turn of every other stream. */
  private turn(): void {
    if (this.takeNext()) {
      this.options.queue.add(() => this.turn());
      return;
    }
    this.queued = false;
    this.flow();
    if (this.ended && this.state !== "closed") this.options.onEnd();
  }

  /** True where there is another that may be taken. */
  private takeNext(): boolean {
    const request = this.state === "open" ? this.waiting.shift() : undefined;
    if (request === undefined) return false;
    this.options.queue.note(-request.length);
    try {
      this.options.take(request);
    } catch (error) {
      this.options.failed(error);
    }
    if (this.putBack !== request) this.options.done(request);
    this.putBack = undefined;
    return this.state === "open" && this.waiting.length > 0;
  }

  private flow(): void {
    if (this.state === "closed") return;
    const isOpen = this.state === "open" && !this.throttled && this.waiting.length < waitingLimit;
    if (isOpen === this.flowing) return;
    this.flowing = isOpen;
    if (isOpen) this.options.stream.resume();
    else this.options.stream.pause();
  }
}
