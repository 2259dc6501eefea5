// What SQLite reports → what an operator reads.
import type { LateenError } from "../kernel/error.ts";
import { storeErrors } from "./errors.ts";

/** Primary result codes (https://www.sqlite.org/rescode.html). */
const result = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
};

export type StoreFault = { kind: keyof typeof storeErrors; message: string };

/** The fault behind anything that SQLite threw; other errors are defects and keep their message. */
export function sqliteFault(error: unknown): StoreFault {
  const { errcode, message } = error as { errcode?: number; message?: string };
  const text = message ?? String(error);
  switch (errcode === undefined ? undefined : errcode & 0xff) {
    case result.busy:
    case result.locked:
      return { kind: "owned", message: "another process has the store open" };
    case result.full:
      return { kind: "full", message: `nothing was written: ${text}` };
    case result.corrupt:
    case result.notADatabase:
      return { kind: "damaged", message: text };
    case result.readOnly:
    case result.ioError:
    case result.cannotOpen:
      return { kind: "ioFailed", message: `${text} (SQLite ${errcode})` };
    default:
      return { kind: "stopped", message: `unexpected failure: ${text}` };
  }
}

export function toStoreError(fault: StoreFault, cause?: unknown): LateenError {
  return storeErrors[fault.kind](fault.message, cause === undefined ? {} : { cause });
}
