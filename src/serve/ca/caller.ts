// Who makes a unary call: what the listener knows of the connection, handed to the services beside the message.
import { type ContextKey, type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";
import type { Peer } from "../peer.ts";

export interface Caller {
  readonly peer: Peer;
  /** IP address of the other end of the connection. */
  readonly address: string;
  /**
   * Keeps the connection for the answer, because a token is about to be used. Returns false where the call is over: then
   * there is nobody to use it for. Where there is none, connections are not ended for others.
   */
  readonly keep?: () => boolean;
}

const callerKey: ContextKey<Caller> = createContextKey<Caller>(
  { peer: { kind: "plaintext" }, address: "" },
  { description: "caller" },
);

/** For `contextValues` of connect's adapter. Without it every caller has proven nothing. */
export function callerValues(caller: Caller): ContextValues {
  return createContextValues().set(callerKey, caller);
}

export function callerOf(context: { readonly values: ContextValues }): Caller {
  return context.values.get(callerKey);
}
