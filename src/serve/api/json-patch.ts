// JSON patch (RFC 6902), with bounds that the library does not have.
import jsonPatch, { type Operation } from "fast-json-patch";
import { isObject } from "./json-tree.ts";
import { bodyLimit, patchOperationLimit } from "./limits.ts";
import { StatusError } from "./status-error.ts";

const operations = new Set(["add", "remove", "replace", "move", "copy", "test"]);

/**
 * @param document never changed
 * @throws StatusError 400 where the patch is none, 422 where it does not apply or a test fails, 413 where it grows too far
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new StatusError("badRequest", "a JSON patch is a list of operations");
  if (patch.length > patchOperationLimit) {
    throw new StatusError("tooLarge", `a JSON patch has at most ${patchOperationLimit} operations`);
  }
  let result = structuredClone(document);
  let copied = 0;
  for (const [index, operation] of patch.entries()) {
    if (!isOperation(operation))
      throw new StatusError("badRequest", `operation ${index} of the JSON patch is malformed`);
    try {
      if (operation.op === "copy") {
        // A patch of a few lines could copy the whole into itself again and again.
        copied += JSON.stringify(jsonPatch.getValueByPointer(result, operation.from) ?? null).length;
        if (copied > bodyLimit) throw new StatusError("tooLarge", `copies of the JSON patch exceed ${bodyLimit} bytes`);
      }
      result = jsonPatch.applyOperation(result, structuredClone(operation), true, true, true, index).newDocument;
    } catch (error) {
      if (error instanceof StatusError) throw error;
      const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "").slice(0, 200) : "";
      throw new StatusError(
        "invalid",
        `operation ${index} (${operation.op} ${operation.path.slice(0, 200)}) cannot be applied: ${reason}`,
      );
    }
  }
  return result;
}

function isOperation(value: unknown): value is Operation {
  if (!isObject(value)) return false;
  const { op, path, from } = value;
  return (
    typeof op === "string" &&
    operations.has(op) &&
    typeof path === "string" &&
    (from === undefined || typeof from === "string")
  );
}
