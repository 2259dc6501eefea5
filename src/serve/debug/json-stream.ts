// JSON that is made and sent piece by piece: the pages of a mesh of a thousand services and proxies are megabytes, and the
// event loop must not stand still for them.
import { Readable } from "node:stream";
import type { Clock } from "../../kernel/clock.ts";

/** The loop is given back after this long, milliseconds. */
const sliceMs = 10;
/** Pieces are put together to about this many characters before they are sent. */
const chunkLength = 32 << 10;

/** The text of a JSON value, to be made as it is read. */
export class JsonStream {
  readonly pieces: Iterable<string>;

  constructor(pieces: Iterable<string>) {
    this.pieces = pieces;
  }

  /** As it is sent; ends where the client goes away. */
  toReadable(clock: Clock): Readable {
    return Readable.from(inSlices(this.pieces, clock));
  }
}

export function streamList(rows: Iterable<unknown>): JsonStream {
  return new JsonStream(listPieces(rows));
}

export function streamMap(entries: Iterable<readonly [key: string, value: unknown]>): JsonStream {
  return new JsonStream(mapPieces(entries));
}

/** A map of which one field is a long list. */
export function streamWithList(
  fields: Readonly<Record<string, unknown>>,
  name: string,
  rows: Iterable<unknown>,
): JsonStream {
  const head = JSON.stringify(fields).slice(0, -1);
  const comma = head === "{" ? "" : ",";
  return new JsonStream(
    (function* () {
      yield `${head}${comma}\n${JSON.stringify(name)}: `;
      yield* listPieces(rows);
      yield "}";
    })(),
  );
}

export function* listPieces(rows: Iterable<unknown>): Iterable<string> {
  let before = "[\n";
  for (const row of rows) {
    yield before + text(row);
    before = ",\n";
  }
  yield before === "[\n" ? "[]" : "\n]";
}

function* mapPieces(entries: Iterable<readonly [key: string, value: unknown]>): Iterable<string> {
  let before = "{\n";
  for (const [key, value] of entries) {
    yield `${before}${JSON.stringify(key)}: ${text(value)}`;
    before = ",\n";
  }
  yield before === "{\n" ? "{}" : "\n}";
}

function text(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? "null";
}

async function* inSlices(pieces: Iterable<string>, clock: Clock): AsyncGenerator<string> {
  let chunk = "";
  let startMs = clock.monotonic();
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length >= chunkLength) {
      yield chunk;
      chunk = "";
    }
    if (clock.monotonic() - startMs < sliceMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    startMs = clock.monotonic();
  }
  yield `${chunk}\n`;
}
