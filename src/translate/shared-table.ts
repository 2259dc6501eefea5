// What several users share, made for the first and disposed of with the last.

export interface Shared<T> {
  readonly value: T;
  /** To be called once by each who took it. */
  release(): void;
}

interface Entry<T> extends Shared<T> {
  users: number;
}

export class SharedTable<T extends { dispose(): void }> {
  private readonly entries = new Map<string, Entry<T>>();

  take(key: string, make: () => T): Shared<T> {
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = this.enter(key, make());
      this.entries.set(key, entry);
    }
    entry.users += 1;
    return entry;
  }

  *values(): IterableIterator<T> {
    for (const { value } of this.entries.values()) yield value;
  }

  private enter(key: string, value: T): Entry<T> {
    const entry: Entry<T> = {
      value,
      users: 0,
      release: () => {
        entry.users -= 1;
        if (entry.users > 0) return;
        this.entries.delete(key);
        value.dispose();
      },
    };
    return entry;
  }
}
