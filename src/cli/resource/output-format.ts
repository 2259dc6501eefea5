// Data in the format that `-o` asks for.
import type { Fields } from "../../kernel/fields.ts";
import { fieldsOf, textOf, valueAt } from "../json-value.ts";
import { jsonText, yamlText } from "../terminal/structured.ts";

export function structuredText(format: "json" | "yaml", value: unknown): string {
  return format === "json" ? jsonText(value) : yamlText(value);
}

/** One object as it is, several as Kubernetes' `List`. */
export function asList(objects: readonly unknown[], single: boolean): unknown {
  return single && objects.length === 1
    ? objects[0]
    : { apiVersion: "v1", kind: "List", metadata: { resourceVersion: "" }, items: objects };
}

/** Without `metadata.managedFields`, which says who wrote which field and is longer than the object. */
export function withoutManagedFields(object: unknown): unknown {
  const fields = fieldsOf(object);
  if (valueAt(object, "metadata", "managedFields") === undefined) return object;
  const { managedFields: _, ...metadata } = fieldsOf(fields["metadata"]) as Fields & { managedFields: unknown };
  return { ...fields, metadata };
}

export function objectName(object: unknown): string {
  return textOf(valueAt(object, "metadata", "name"));
}
