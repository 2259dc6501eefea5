// One request of a connection at a time, and a time for each.
//
// Node hands over every request of what it read at once, so that one packet of pipelined ones is thousands (RFC 9112
// section 9.3.2); and it waits for ever for who does not read the answer. Clients that only read a page do neither.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "./clock.ts";

/** Longest time from a request to the last byte of its answer, milliseconds. */
export const answerTimeMs = 60_000;

export class SingleRequests {
  private readonly clock: Clock | undefined;
  private readonly unanswered = new WeakSet<Socket>();

  /** @param clock for the time that an answer may take; without it, that has no end */
  constructor(clock?: Clock) {
    this.clock = clock;
  }

  /**
   * False where an earlier request of the connection is not answered yet: then the connection is closed, as it is where the
   * answer has not left in time.
   */
  take({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (this.unanswered.has(socket)) {
      socket.destroy();
      return false;
    }
    this.unanswered.add(socket);
    response.once("finish", () => this.unanswered.delete(socket));
    const cancel = this.clock?.after(answerTimeMs, () => socket.destroy());
    if (cancel !== undefined) response.once("close", cancel);
    return true;
  }
}
