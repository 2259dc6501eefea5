// Where a command prints. Everything passes here, so that nothing a server sent can steer the terminal.
import type { Clock } from "../../kernel/clock.ts";
import { printable, printableLine } from "./printable.ts";

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
}

export interface Terminal {
  /** Prints data on standard output; a newline is added. */
  print(text: string): void;
  /** Prints a message for a person on standard error; a newline is added. */
  note(text: string): void;
  /** Shows how far long work is, on a terminal only and only after a second. */
  progress(label: string, total: number): Progress;
}

export interface Progress {
  step(): void;
  /** Clears the line. */
  end(): void;
}

/** Work shorter than this shows no progress, milliseconds. */
const quietMs = 1_000;
/** Time between two drawings, milliseconds. */
const drawEveryMs = 100;

export function createTerminal(stdout: Output, stderr: Output, clock: Clock): Terminal {
  return {
    print: (text) => stdout.write(`${printable(text)}\n`),
    note: (text) => stderr.write(`${printable(text)}\n`),
    progress: (label, total) => (stderr.isTTY === true ? drawProgress(stderr, clock, label, total) : silentProgress),
  };
}

const silentProgress: Progress = { step: () => {}, end: () => {} };

function drawProgress(stderr: Output, clock: Clock, label: string, total: number): Progress {
  const start = clock.monotonic();
  let done = 0;
  let drawnAt: number | undefined;
  return {
    step() {
      done += 1;
      const now = clock.monotonic();
      if (now - start < quietMs || (drawnAt !== undefined && now - drawnAt < drawEveryMs)) return;
      drawnAt = now;
      stderr.write(`\r${printableLine(label)} ${done} of ${total}`);
    },
    end() {
      if (drawnAt !== undefined) stderr.write(`\r${" ".repeat(label.length + 2 * String(total).length + 5)}\r`);
    },
  };
}
