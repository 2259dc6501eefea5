// Finds damage in a write-ahead log that SQLite would take for its end.
//
// SQLite reads the log up to the first frame whose checksum is wrong and drops the rest without a word. After a crash that
// is right for the last transaction, which nobody was told of. But where whole transactions follow the bad frame, they
// had been made durable, and the bad frame is damage (https://www.sqlite.org/fileformat2.html#walformat).
import { existsSync, readFileSync } from "node:fs";

const headerSize = 32;
const frameHeaderSize = 24;
/** Transactions behind a bad frame that may be one unfinished write. */
const tornTransactions = 1;

/** Says what is damaged, or undefined. The log is at most a few MiB: SQLite moves it into the file every 1,000 pages. */
export function findWalDamage(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const log = readFileSync(path);
  if (log.length < headerSize + frameHeaderSize) return undefined;
  const bigEndianSums = (log.readUInt32BE(0) & 1) === 1;
  const pageSize = log.readUInt32BE(8);
  const frameSize = frameHeaderSize + pageSize;
  let sums: Sums = addSums([0, 0], log, 0, 24, bigEndianSums);
  if ((log.readUInt32BE(0) & ~1) >>> 0 !== 0x377f0682 || !matches(sums, log, 24)) {
    return `the header of ${path} is damaged`;
  }
  let bad: number | undefined;
  let transactionsBehind = 0;
  for (let at = headerSize, frame = 1; at + frameSize <= log.length; at += frameSize, frame++) {
    if (!log.subarray(at + 8, at + 16).equals(log.subarray(16, 24))) {
      // Salts of another round: here the log ended, or the frame's header is hit.
      if (bad !== undefined) continue;
      bad = frame;
      continue;
    }
    if (bad === undefined) {
      sums = addSums(sums, log, at, 8, bigEndianSums);
      sums = addSums(sums, log, at + frameHeaderSize, pageSize, bigEndianSums);
      if (!matches(sums, log, at + 16)) bad = frame;
    }
    if (bad !== undefined && log.readUInt32BE(at + 4) !== 0) transactionsBehind += 1;
  }
  if (bad === undefined || transactionsBehind <= tornTransactions) return undefined;
  return `frame ${bad} of ${path} is damaged, and ${transactionsBehind} later transactions depend on it`;
}

type Sums = readonly [number, number];

function addSums(start: Sums, bytes: Buffer, from: number, length: number, bigEndian: boolean): Sums {
  let [a, b] = start;
  for (let at = from; at < from + length; at += 8) {
    const first = bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
    const second = bigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4);
    a = (a + first + b) >>> 0;
    b = (b + second + a) >>> 0;
  }
  return [a, b];
}

function matches([a, b]: Sums, bytes: Buffer, at: number): boolean {
  return bytes.readUInt32BE(at) === a && bytes.readUInt32BE(at + 4) === b;
}
