// The search for the rejected parts of a resource that is composed of many, where the proxy's words name none.
//
// All suspects are set aside, so that everyone is well at once. Then half of them are let back: accepted, they are
// innocent; rejected, they go aside again and are halved. The search ends when each suspect is cleared or convicted. It
// takes about 2 k log2(n) pushes for k bad ones of n.

interface Group<P> {
  readonly parts: readonly P[];
  /** One of them at least is bad. */
  readonly guilty: boolean;
}

export class Hunt<P> {
  private groups: Group<P>[];
  /** What is let back now, and the other half of where it came from. */
  private probe: { readonly parts: readonly P[]; readonly others: readonly P[] } | undefined;
  private convicted: P[] = [];

  /** @param suspects of which one at least is bad */
  constructor(suspects: readonly P[]) {
    this.groups = [{ parts: suspects, guilty: true }];
    this.advance();
  }

  /** True where every suspect is cleared or convicted. */
  get over(): boolean {
    return this.probe === undefined;
  }

  get culprits(): readonly P[] {
    return this.convicted;
  }

  /** What must not be served now, culprits included. */
  get aside(): P[] {
    return [...this.convicted, ...this.groups.flatMap(({ parts }) => parts), ...(this.probe?.others ?? [])];
  }

  /** What is let back and waits for a verdict. */
  get probed(): readonly P[] {
    return this.probe?.parts ?? [];
  }

  /** What is let back was accepted. */
  accepted(): void {
    const { probe } = this;
    if (probe === undefined) return;
    this.probe = undefined;
    // The bad one is in the other half then.
    if (probe.others.length > 0) this.groups.unshift({ parts: probe.others, guilty: true });
    this.advance();
  }

  /**
   * What is let back was rejected.
   *
   * @param others parts that have become different meanwhile and may be meant as well
   */
  rejected(others: readonly P[] = []): void {
    const { probe } = this;
    if (probe === undefined) {
      if (others.length > 0) this.groups.push({ parts: others, guilty: true });
    } else {
      this.probe = undefined;
      // Where something new may be meant, the ones let back are only suspects.
      this.groups.unshift({ parts: probe.parts, guilty: others.length === 0 });
      if (probe.others.length > 0) this.groups.push({ parts: probe.others, guilty: false });
      if (others.length > 0) this.groups.push({ parts: others, guilty: false });
    }
    this.advance();
  }

  /** Takes back convictions: what is served again may be suspected again. */
  acquit(isServed: (part: P) => boolean): void {
    this.convicted = this.convicted.filter((part) => !isServed(part));
  }

  /** Drops what does not exist any more. */
  retain(exists: (part: P) => boolean): void {
    this.groups = this.groups.map(({ parts, guilty }) => ({
      parts: parts.filter(exists),
      // What made it guilty may be what is gone.
      guilty: guilty && parts.every(exists),
    }));
    const { probe } = this;
    if (probe === undefined || [...probe.parts, ...probe.others].every(exists)) return;
    const [parts, others] = [probe.parts.filter(exists), probe.others.filter(exists)];
    this.probe = undefined;
    if (parts.length > 0) this.probe = { parts, others: [] };
    if (others.length > 0) this.groups.push({ parts: others, guilty: false });
    this.advance();
  }

  private advance(): void {
    while (this.probe === undefined) {
      const group = this.groups.shift();
      if (group === undefined) return;
      const [first] = group.parts;
      if (group.guilty && group.parts.length === 1 && first !== undefined) this.convicted.push(first);
      else if (group.guilty) {
        const middle = Math.ceil(group.parts.length / 2);
        this.probe = { parts: group.parts.slice(0, middle), others: group.parts.slice(middle) };
      } else if (group.parts.length > 0) this.probe = { parts: group.parts, others: [] };
    }
  }
}
