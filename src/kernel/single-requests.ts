// Node hands over every request of what it read at once, so that one packet of pipelined ones is thousands (RFC 9112
// section 9.3.2). Clients that only read a page do not pipeline.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export class SingleRequests {
  private readonly unanswered = new WeakSet<Socket>();

  /** False where an earlier request of the connection is not answered yet: then the connection is closed. */
  take({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (this.unanswered.has(socket)) {
      socket.destroy();
      return false;
    }
    this.unanswered.add(socket);
    response.once("finish", () => this.unanswered.delete(socket));
    return true;
  }
}
