// Kubernetes' rules for names, labels and annotations.
import { quoted } from "../kernel/quote.ts";
import { configCodes } from "./errors.ts";
import { formatPath } from "./field-path.ts";
import type { Kind } from "./kind.ts";
import type { ObjectMeta } from "./object.ts";
import type { Problem } from "./problem.ts";

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedName = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** RFC 1123 subdomain of at most 253 characters, as object names are. */
export function isObjectName(text: string): boolean {
  return text.length <= 253 && subdomain.test(text);
}

/** RFC 1123 label of at most 63 characters, as namespaces are. */
export function isNamespaceName(text: string): boolean {
  return text.length <= 63 && label.test(text);
}

/** A label or annotation key: a name, with an optional DNS prefix and `/` before it. */
export function isLabelKey(key: string): boolean {
  const [first = "", ...rest] = key.split("/");
  if (rest.length === 0) return first.length <= 63 && qualifiedName.test(first);
  const name = rest.join("/");
  return isObjectName(first) && name.length <= 63 && qualifiedName.test(name);
}

/** At most 63 characters, starting and ending with a letter or digit; empty is fine. */
export function isLabelValue(value: string): boolean {
  return value === "" || (value.length <= 63 && qualifiedName.test(value));
}

/** Total size of annotations Kubernetes allows, bytes. */
const annotationLimit = 256 << 10;

export function checkMetadata(kind: Kind, meta: ObjectMeta): Problem[] {
  const problems: Problem[] = [];
  const report = (path: string, message: string, remedy?: string): void => {
    problems.push({
      severity: "error",
      code: configCodes.badMetadata,
      message,
      path,
      ...(remedy === undefined ? {} : { remedy }),
    });
  };
  const nameFits = kind.kind === "Namespace" ? isNamespaceName(meta.name) : isObjectName(meta.name);
  if (!nameFits)
    report("metadata.name", `${quoted(meta.name)} is not a valid name`, "Use lower-case letters, digits, '-' and '.'.");
  if (kind.scope === "Namespaced" && !isNamespaceName(meta.namespace)) {
    report(
      "metadata.namespace",
      `${quoted(meta.namespace)} is not a valid namespace`,
      "Use lower-case letters, digits and '-'.",
    );
  }
  if (kind.scope === "Cluster" && meta.namespace !== "") {
    report("metadata.namespace", `${kind.kind} has no namespace`, "Remove it.");
  }
  for (const [key, value] of Object.entries(meta.labels ?? {})) {
    const path = formatPath(["metadata", "labels", key]);
    if (!isLabelKey(key)) report(path, "is not a valid label key");
    if (!isLabelValue(value)) report(path, "is not a valid label value");
  }
  let annotationBytes = 0;
  for (const [key, value] of Object.entries(meta.annotations ?? {})) {
    if (!isLabelKey(key)) report(formatPath(["metadata", "annotations", key]), "is not a valid annotation key");
    annotationBytes += key.length + value.length;
  }
  if (annotationBytes > annotationLimit)
    report("metadata.annotations", `must be at most ${annotationLimit} bytes in all`);
  return problems;
}
