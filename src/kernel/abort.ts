// Waiting for a signal to be aborted.

/** Resolves when the signal is aborted, at once where it was before: an abort that came early is not lost. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
