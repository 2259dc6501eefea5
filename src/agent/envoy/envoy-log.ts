// Envoy's own log lines, into the agent's log.
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";

/** `--log-format` that `EnvoyLog` reads: level, logger, message, separated by tabs. */
export const envoyLogFormat = "%l\t%n\t%v";

/** Longest line that is kept, characters. */
const lineLimit = 8192;
/** Most lines in one second; what is over is counted and left out. */
export const linesPerSecond = 200;

type Level = "debug" | "info" | "warn" | "error";

const levels: ReadonlyMap<string, Level> = new Map([
  ["trace", "debug"],
  ["debug", "debug"],
  ["info", "info"],
  ["warning", "warn"],
  ["error", "error"],
  ["critical", "error"],
]);

/** Takes what Envoy writes to standard error, as it comes. */
export class EnvoyLog {
  private readonly log: Log;
  private readonly clock: Clock;
  private rest = "";
  private windowStartMs = 0;
  private lines = 0;
  private dropped = 0;
  private last = "";

  constructor(log: Log, clock: Clock) {
    this.log = log;
    this.clock = clock;
  }

  write(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = (lines.pop() ?? "").slice(0, lineLimit);
    for (const line of lines) this.line(line.slice(0, lineLimit));
  }

  /** Envoy is gone: its last words may lack a line end. */
  end(): void {
    if (this.rest !== "") this.line(this.rest);
    this.rest = "";
    this.reportDropped();
  }

  /** The last line of level error or without a level, for the report of a crash. */
  get lastWords(): string {
    return this.last;
  }

  private line(line: string): void {
    if (line.trim() === "") return;
    const [word = "", logger, ...message] = line.split("\t");
    const level = levels.get(word);
    if (level === undefined || level === "error") this.last = level === undefined ? line : message.join("\t");
    if (!this.admit()) return;
    if (level === undefined) this.log.warn(line, { logger: "envoy" });
    else this.log[level](message.join("\t"), { logger: `envoy.${logger}` });
  }

  private admit(): boolean {
    const now = this.clock.monotonic();
    if (now - this.windowStartMs >= 1000) {
      this.reportDropped();
      this.windowStartMs = now;
      this.lines = 0;
    }
    this.lines += 1;
    if (this.lines <= linesPerSecond) return true;
    this.dropped += 1;
    return false;
  }

  private reportDropped(): void {
    if (this.dropped > 0) this.log.warn("left out lines of Envoy's log", { lines: this.dropped });
    this.dropped = 0;
  }
}
