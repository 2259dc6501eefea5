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

/** Lines are written before the turn of the event loop is over where there are so many bytes of them. */
const batchBytes = 1 << 13;

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
  const destination = pino.destination({ dest: process.stderr.fd, sync: true, minLength: batchBytes });
  let due = false;
  process.once("exit", () => destination.flushSync());
  return {
    write: (line) => {
      destination.write(line);
      if (due) return;
      due = true;
      setImmediate(() => {
        due = false;
        destination.flushSync();
      });
    },
  };
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
