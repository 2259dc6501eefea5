// What is kept from a client, for its status.
import type { ConfigRef } from "./config-ref.ts";

export interface SetAside {
  readonly name: string;
  /** The words of the proxies that rejected it. */
  readonly message: string;
  /** The objects that made it. */
  readonly sources: readonly ConfigRef[];
}
