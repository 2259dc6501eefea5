// Those who wait for a condition, woken when something has changed.

export class Waiters {
  private readonly waiting = new Set<() => void>();
  private ended = false;

  /** Resolves with true once the condition holds, with false when nobody will change anything any more. */
  until(condition: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const check = (): void => {
        const holds = condition();
        if (!holds && !this.ended) return;
        this.waiting.delete(check);
        resolve(holds);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** Something has changed. */
  wake(): void {
    for (const check of [...this.waiting]) check();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }
}
