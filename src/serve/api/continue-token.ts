// Where the next page of a list begins. Clients hand it back as it is.
import { base64url, fromBase64, fromUtf8, utf8 } from "../../kernel/bytes.ts";
import { isObject } from "./json-tree.ts";
import { StatusError } from "./status-error.ts";

export interface ContinueToken {
  /** Revision of the first page: a watch from it misses nothing that the later pages show differently. */
  revision: number;
  /** `namespace/name` of the last object that was sent. */
  after: string;
}

export function writeContinueToken({ revision, after }: ContinueToken): string {
  return base64url(utf8(JSON.stringify({ v: 1, rv: revision, after })));
}

/** @throws StatusError 400 */
export function readContinueToken(text: string): ContinueToken {
  const bytes = fromBase64(text);
  try {
    const value: unknown = bytes === undefined ? undefined : JSON.parse(fromUtf8(bytes));
    if (
      isObject(value) &&
      value["v"] === 1 &&
      typeof value["after"] === "string" &&
      Number.isSafeInteger(value["rv"])
    ) {
      return { revision: Number(value["rv"]), after: value["after"] };
    }
  } catch {
    // as below
  }
  throw new StatusError("badRequest", "the continue token is not one of this server");
}
