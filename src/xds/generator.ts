// What the xDS server asks of whoever makes resources. The server knows nothing of meshes.
import type { NodeInfo } from "./node-info.ts";
import type { Resource } from "./resource.ts";
import type { SetAside } from "./set-aside.ts";

/** Who is on the other end of a stream. */
export interface XdsClient {
  readonly node: NodeInfo;
  /** SPIFFE ids proven by the client certificate; empty on a plaintext stream. */
  readonly identities: readonly string[];
}

export interface ResourceChange {
  readonly key: string;
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

/** What a set has at one time: while both stay, so do the resources and their order. Sets of equal parts have the same. */
export interface Revision {
  readonly parts: readonly object[];
  readonly generation: number;
}

/**
 * The resources of one type that one client may see, by name. `Collection<Resource>` has this shape. It shows what it has told
 * its listeners and nothing newer, but for the batch that it is telling of.
 */
export interface ResourceSet {
  readonly size: number;
  get(name: string): Resource | undefined;
  values(): IterableIterator<Resource>;
  /** Called once per batch of changes; returns the end of the subscription. */
  subscribe(listener: (changes: readonly ResourceChange[]) => void): () => void;
  /** Undefined while the set cannot say. */
  revision?(): Revision | undefined;
  /** What is kept from the client, because proxies like it rejected it. */
  setAside?(): Iterable<SetAside>;
}

/** What one client sees. Clients with equal views share the same sets. */
export interface ClientView {
  /** Calls `go` once the sets hold all they should, at once where they do. Nothing is called after `close`. */
  whenReady(go: () => void): void;
  /** The set of a type; an empty one for types nobody makes. The same set for the same type each time. */
  resources(typeUrl: string): ResourceSet;
  /** The client is gone. */
  close(): void;
}

export interface Generator {
  /**
   * Opens a client's view.
   *
   * @param connectionId of the client's stream, as others are told of it
   * @throws LateenError where the client may not have one; the stream ends with its code and message
   */
  open(client: XdsClient, connectionId: string): ClientView;
}
