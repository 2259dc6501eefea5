// Structured JSON logs, one object a line. Data goes in fields, never in the text.
import { writeSync } from "node:fs";
import { type DestinationStream, type Logger, pino } from "pino";
import { LineWriter } from "./line-writer.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** A log whose lines carry these fields too. */
  with(fields: Record<string, unknown>): Log;
}

/**
 * Logs to `target`, by default standard error (standard output belongs to what a command prints): the lines of one turn of
 * the event loop in one piece, and the rest when the process exits.
 */
export function createLog(level: LogLevel, target: DestinationStream = standardError()): Log {
  const base = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: "msg",
    },
    target,
  );
  return wrap(base);
}

function standardError(): DestinationStream {
  const loss = (lost: number): string =>
    `${JSON.stringify({ level: "warn", time: new Date().toISOString(), lost, msg: "log lines were lost: whoever reads them is too slow" })}\n`;
  const { fd } = process.stderr;
  const writer = new LineWriter((bytes) => writeSync(fd, bytes), loss);
  process.once("exit", () => writer.end());
  return writer;
}

type Sink = Pick<Logger, LogLevel | "child">;

function wrap(sink: Sink): Log {
  return {
    debug: (message, fields = {}) => sink.debug(fields, message),
    info: (message, fields = {}) => sink.info(fields, message),
    warn: (message, fields = {}) => sink.warn(fields, message),
    error: (message, fields = {}) => sink.error(fields, message),
    with: (fields) => wrap(sink.child(fields)),
  };
}
