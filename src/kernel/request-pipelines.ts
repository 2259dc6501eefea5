// Few requests of an HTTP/1.1 connection at a time, and a time for each.
//
// Node hands over every request of what it read at once, so that one packet of pipelined ones is thousands (RFC 9112
// section 9.3.2); and it waits for ever for who does not read the answer. The clients that come here do neither.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "./clock.ts";

/** Longest time from a request to the last byte of its answer, milliseconds. */
export const answerTimeMs = 60_000;

/** Requests of a connection without an answer: a client may have one a little before Node says that it has gone out. */
export const pipelineLimit = 4;

export class RequestPipelines {
  private readonly clock: Clock | undefined;
  private readonly unanswered = new WeakMap<Socket, number>();

  /** @param clock for the time that an answer may take; without it, that has no end */
  constructor(clock?: Clock) {
    this.clock = clock;
  }

  /**
   * False where too many requests of the connection are not answered yet: then it is closed, as it is where the answer has not
   * left in time.
   */
  take({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const unanswered = this.unanswered.get(socket) ?? 0;
    if (unanswered === pipelineLimit) {
      socket.destroy();
      return false;
    }
    this.unanswered.set(socket, unanswered + 1);
    response.once("finish", () => this.unanswered.set(socket, (this.unanswered.get(socket) ?? 1) - 1));
    const cancel = this.clock?.after(answerTimeMs, () => socket.destroy());
    if (cancel !== undefined) response.once("close", cancel);
    return true;
  }
}
