// The valid fields that proxies do not act on yet, as the API lists them.
import { explain } from "../../config/explain/explain.ts";
import { pendingFields } from "../../config/explain/pending-fields.ts";
import type { Kind } from "../../config/kind.ts";
import type { PendingField } from "../../contract/control-plane.ts";

export function listPendingFields(kinds: readonly Kind[]): PendingField[] {
  return kinds.flatMap((kind) =>
    pendingFields([kind]).map((field) => {
      const path = field.slice(kind.kind.length + 1);
      const explained = explain(kind, path.replaceAll("{}", ""));
      return { kind: kind.kind, path, description: "unknown" in explained ? "" : explained.description };
    }),
  );
}
