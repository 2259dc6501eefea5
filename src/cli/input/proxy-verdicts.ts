// What proxies say of objects that were just written.
import { apiPaths } from "../../contract/paths.ts";
import type { ObjectVerdict, Verdicts } from "../../contract/verdicts.ts";
import { LateenError } from "../../kernel/error.ts";
import { parseJson } from "../api/api-client.ts";
import type { Session } from "../api/session.ts";
import { fieldsOf, listOf, textOf } from "../json-value.ts";

/** Objects asked for at once; the first of more. */
const objectLimit = 100;

/**
 * Waits until proxies have answered, at most so long. Nothing where the server does not know, as older ones.
 *
 * @param objects as `Kind/namespace/name`
 */
export async function proxyVerdicts(
  session: Session,
  objects: readonly string[],
  waitMs: number,
): Promise<readonly ObjectVerdict[]> {
  if (objects.length === 0 || waitMs === 0) return [];
  const query = new URLSearchParams({ wait: String(waitMs) });
  for (const object of objects.slice(0, objectLimit)) query.append("object", object);
  const answer = await session.client.send({ path: `${apiPaths.verdicts}?${query}` }).catch((error: unknown) => {
    // What was sent is written, whatever becomes of the question.
    if (error instanceof LateenError) return undefined;
    throw error;
  });
  if (answer === undefined || !answer.ok) return [];
  const verdicts = fieldsOf(parseJson(answer.text, session.client.server)) as Partial<Record<keyof Verdicts, unknown>>;
  return listOf(verdicts.rejected).map((each) => {
    const { object, messages } = fieldsOf(each);
    return { object: textOf(object), messages: listOf(messages).map(textOf) };
  });
}
