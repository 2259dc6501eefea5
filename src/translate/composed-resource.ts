// A resource that is put together only when somebody is sent it: of most types nobody asks for both ways they come in.
import type { ConfigRef } from "../xds/config-ref.ts";
import type { Resource, ResourceFragment } from "../xds/resource.ts";
import { distinctRefs } from "./resource-of.ts";

export interface LazyContent {
  readonly typeUrl: string;
  readonly name: string;
  /** A hash of the content that is cheaper to make than from all its bytes. */
  readonly version: string;
  /** Makes the same bytes each time. */
  readonly compose: () => Uint8Array;
  /** The bytes are many and for few, and what they are made of is kept anyway: they are kept while somebody has them. */
  readonly fleeting?: boolean;
}

/** A copy made by spreading would lack what is made only when asked for. */
class LazyResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly version: string;
  private compose: (() => Uint8Array) | undefined;
  private composed: Uint8Array | WeakRef<Uint8Array> | undefined;
  private readonly fleeting: boolean;

  constructor(content: LazyContent) {
    this.typeUrl = content.typeUrl;
    this.name = content.name;
    this.version = content.version;
    this.compose = content.compose;
    this.fleeting = content.fleeting === true;
  }

  get body(): Uint8Array {
    const present = this.composed instanceof WeakRef ? this.composed.deref() : this.composed;
    if (present !== undefined) return present;
    const body = this.compose?.() ?? new Uint8Array();
    this.composed = this.fleeting ? new WeakRef(body) : body;
    if (!this.fleeting) this.compose = undefined; // it holds on to what it needs no more
    return body;
  }
}

/** A resource of which each fragment may change alone. */
export class ComposedResource extends LazyResource implements Resource {
  readonly fragments: readonly ResourceFragment[];
  private makers: readonly ConfigRef[] | undefined;

  /** @param sources by default everyone who made a fragment */
  constructor(content: LazyContent, fragments: readonly ResourceFragment[], sources?: readonly ConfigRef[]) {
    super(content);
    this.fragments = fragments;
    this.makers = sources;
  }

  get sources(): readonly ConfigRef[] {
    this.makers ??= distinctRefs(this.fragments.flatMap(({ sources }) => sources));
    return this.makers;
  }
}

/** One fragment by itself. */
export class FragmentResource extends LazyResource implements Resource {
  readonly sources: readonly ConfigRef[];

  constructor(content: LazyContent, sources: readonly ConfigRef[]) {
    super(content);
    this.sources = distinctRefs(sources);
  }
}
