// The body of a request → a plain value, by its content type.
import { decodeDocument } from "../../config/decode/decode-document.ts";
import { fromUtf8 } from "../../kernel/bytes.ts";
import { decodeKubernetesProtobuf, kubernetesProtobuf } from "./kubernetes-protobuf.ts";
import { StatusError } from "./status-error.ts";

/** The media type without parameters, lower case. */
export function mediaType(header: string | undefined): string {
  return (header ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** @throws StatusError 400 */
export function bodyText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new StatusError("badRequest", "the body is not UTF-8 text");
  }
}

/**
 * An object in JSON, YAML, or for a few kinds protobuf. Fields whose value is null are left out, as the API server drops them; keys that are given
 * twice are refused.
 *
 * @throws StatusError 400, or 415 where the content type is neither
 */
export function bodyObject(bytes: Uint8Array, contentType: string | undefined): unknown {
  const type = mediaType(contentType);
  if (type === kubernetesProtobuf) return decodeKubernetesProtobuf(bytes);
  if (type !== "" && type !== "application/json" && !isYaml(type)) {
    throw new StatusError(
      "unsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml",
    );
  }
  return decodeObject(bodyText(bytes));
}

function isYaml(type: string): boolean {
  return ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"].includes(type);
}

/** @throws StatusError 400 */
export function decodeObject(text: string): unknown {
  const decoded = decodeDocument(text, 1);
  if ("faults" in decoded) {
    const causes = decoded.faults.map(({ line, message }) => ({ message: `line ${line}: ${message}` }));
    throw new StatusError("badRequest", `the body cannot be read: ${causes[0]?.message ?? ""}`, { causes });
  }
  const [first, ...more] = decoded;
  if (more.length > 0) throw new StatusError("badRequest", "the body holds more than one object");
  return first?.value;
}
