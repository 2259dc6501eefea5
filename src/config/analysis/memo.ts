// What was made last, with what it was made of.

interface Slot {
  readonly inputs: readonly unknown[];
  readonly value: unknown;
}

/** One value for each maker: what it makes of something else takes its place. */
export class Memo {
  private readonly slots = new Map<object, Slot>();

  /** Undefined where the last was made of other inputs. */
  find(maker: object, inputs: readonly unknown[]): unknown {
    const slot = this.slots.get(maker);
    return slot?.inputs.every((each, at) => each === inputs[at]) ? slot.value : undefined;
  }

  /** What was made last, of whatever. */
  last(maker: object): unknown {
    return this.slots.get(maker)?.value;
  }

  keep(maker: object, inputs: readonly unknown[], value: unknown): void {
    this.slots.set(maker, { inputs, value });
  }
}
