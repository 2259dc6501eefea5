// A piece of a resource that is made by itself.

export interface Part {
  /** Parts stand in the order of this text in their resource. */
  readonly position: string;
}

/** A part and the resource that it is in; of one key, resource and position never change. */
export interface PlacedPart<P extends Part> {
  readonly resource: string;
  readonly position: string;
  /** Undefined where nothing of it is in the resource; the resource is there all the same. */
  readonly part: P | undefined;
}
