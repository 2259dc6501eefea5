// Structured JSON logs, one object a line. Data goes in fields, never in the text.
import { type DestinationStream, type Logger, pino } from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** A log whose lines carry these fields too. */
  with(fields: Record<string, unknown>): Log;
}

/** Bytes that wait for a reader of standard error; lines beyond that are lost rather than the program held up. */
const waitingLimit = 8 << 20;

/**
 * Logs to `target`, by default standard error (standard output belongs to what a command prints): beside the program's work,
 * several lines at a time where they come faster than they are read, and the rest when the process exits.
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
  return pino.destination({ dest: process.stderr.fd, sync: false, maxLength: waitingLimit });
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
