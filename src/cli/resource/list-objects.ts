// Reads a whole collection, page by page.
import type { ApiClient } from "../api/api-client.ts";
import { parseJson, refusal } from "../api/api-client.ts";
import type { ApiStatus } from "../api/api-status.ts";
import type { ResourceKind } from "../api/resource-kind.ts";
import { resourcePath } from "../api/resource-path.ts";
import { cliErrors } from "../errors.ts";
import { fieldsOf, textOf, valueAt } from "../json-value.ts";

export interface ListQuery {
  /** Undefined: all namespaces. */
  namespace: string | undefined;
  labelSelector?: string;
  fieldSelector?: string;
  accept?: string;
}

/** Objects of one page, as kubectl asks for them. */
const pageSize = 500;
/** Pages of one list; more objects need a selector. */
const pageLimit = 200;

/** The pages of a collection as the server sent them; an expired continuation starts over once. */
export async function listPages(client: ApiClient, kind: ResourceKind, query: ListQuery): Promise<unknown[]> {
  const first = await readPages(client, kind, query);
  if (!("expired" in first)) return first.pages;
  const second = await readPages(client, kind, query);
  if ("expired" in second) throw refusal(second.expired);
  return second.pages;
}

async function readPages(
  client: ApiClient,
  kind: ResourceKind,
  query: ListQuery,
): Promise<{ pages: unknown[] } | { expired: ApiStatus }> {
  const pages: unknown[] = [];
  let from: string | undefined;
  for (;;) {
    const answer = await client.send({
      path: resourcePath(kind, query.namespace),
      query: {
        labelSelector: query.labelSelector,
        fieldSelector: query.fieldSelector,
        limit: String(pageSize),
        continue: from,
      },
      ...(query.accept === undefined ? {} : { accept: query.accept }),
    });
    if (!answer.ok) {
      if (answer.status.code === 410 && from !== undefined) return { expired: answer.status };
      throw refusal(answer.status);
    }
    const page = parseJson(answer.text, client.server);
    pages.push(page);
    from = textOf(valueAt(page, "metadata", "continue")) || undefined;
    if (from === undefined) return { pages };
    if (pages.length >= pageLimit) {
      throw cliErrors.badAnswer(`there are more than ${pageLimit * pageSize} ${kind.plural}`, {
        remedy: "Choose some with -n or -l.",
      });
    }
  }
}

/** The objects of a collection, each with its apiVersion and kind. */
export async function listObjects(client: ApiClient, kind: ResourceKind, query: ListQuery): Promise<unknown[]> {
  const pages = await listPages(client, kind, query);
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  return pages.flatMap((page) => {
    const items = fieldsOf(page)["items"];
    // Items of a list may leave out what the list's kind says.
    return Array.isArray(items) ? items.map((item) => ({ apiVersion, kind: kind.kind, ...fieldsOf(item) })) : [];
  });
}
