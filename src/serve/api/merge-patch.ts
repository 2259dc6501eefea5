// JSON merge patch (RFC 7396), and strategic merge patches as far as they are the same.
import { isObject, type JsonObject } from "./json-tree.ts";
import { StatusError } from "./status-error.ts";

/** @returns a new value; parts are shared with both arguments, which stay as they are */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value);
  }
  return result;
}

/**
 * A strategic merge patch without its directives is a merge patch. kubectl sends these for kinds of Kubernetes' own, such
 * as Namespace, whose lists are few and short.
 *
 * @throws StatusError 415 where a directive asks for more
 */
export function withoutDirectives(patch: unknown): unknown {
  if (Array.isArray(patch)) return patch.map(withoutDirectives);
  if (!isObject(patch)) return patch;
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$setElementOrder/") || key === "$retainKeys") continue;
    if (key.startsWith("$")) {
      throw new StatusError(
        "unsupportedMediaType",
        `${key} of strategic merge patches is not supported; use a merge patch`,
      );
    }
    result[key] = withoutDirectives(value);
  }
  return result;
}
