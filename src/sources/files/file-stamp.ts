// What tells one content of a file from another without reading it.
import type { BigIntStats } from "node:fs";

export interface FileStamp {
  /** Differs where the file was replaced or written. */
  readonly identity: string;
  readonly bytes: number;
  /** Time of the last write, milliseconds since 1970. */
  readonly writtenMs: number;
  /** True where the file is known to have been named or linked after its last write: whoever wrote it had finished. */
  readonly finished: boolean;
  /** True where the system has told of the name and of no write since: moved into its place, as far as one can tell. */
  readonly moved: boolean;
}

export function fileStamp(stats: BigIntStats): FileStamp {
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  return {
    identity: `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`,
    bytes: Number(size),
    writtenMs: Number(mtimeNs / 1_000_000n),
    finished: ctimeNs > mtimeNs,
    moved: false,
  };
}
