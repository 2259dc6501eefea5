// An answer of the API into a file, as it comes: it may be larger than memory.
import { createWriteStream } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { describeError, LateenError } from "../../kernel/error.ts";
import { cliErrors } from "../errors.ts";
import type { ApiClient, ApiRequest } from "./api-client.ts";

/**
 * Writes a new file that only its owner can read; where the answer is cut, there is no file.
 *
 * @returns its length, bytes
 * @throws LateenError as `ApiClient.body`, and LAT9014 where the file exists or cannot be written
 */
export async function downloadFile(
  client: ApiClient,
  request: ApiRequest,
  path: string,
  signal: AbortSignal,
): Promise<number> {
  const file = await create(path);
  try {
    const sink = createWriteStream("", { fd: file, autoClose: true });
    await client.body(request, (body) => pipeline(body, sink, { signal }), signal);
    return sink.bytesWritten;
  } catch (error) {
    await file.close().catch(() => {});
    await unlink(path).catch(() => {});
    throw error instanceof LateenError
      ? error
      : cliErrors.unwritableFile(`${path} could not be written whole: ${describeError(error)}`, { cause: error });
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (cause) {
    throw cliErrors.unwritableFile(`${path} cannot be made: ${describeError(cause)}`, { cause });
  }
}
