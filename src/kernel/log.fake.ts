// Keeps log lines for a test to read.
import { createLog, type Log } from "./log.ts";

export interface LogLine {
  level: string;
  msg: string;
  [field: string]: unknown;
}

export function fakeLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const log = createLog("debug", { write: (line: string) => lines.push(JSON.parse(line) as LogLine) });
  return { log, lines };
}
