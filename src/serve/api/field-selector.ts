// Field selectors in the query: `metadata.name=reviews,metadata.namespace!=shop`.
import { quoted } from "../../kernel/quote.ts";
import { selectorLimit } from "./limits.ts";
import { StatusError } from "./status-error.ts";

/** What field selectors can ask for, as of any custom resource. */
export interface SelectableFields {
  name: string;
  namespace: string;
}

export type FieldTest = (fields: SelectableFields) => boolean;

const form = /^\s*(metadata\.name|metadata\.namespace)\s*(==|=|!=)\s*([^\s,=!]*)\s*$/;

/** @throws StatusError 400 where a field is not selectable or the text cannot be read */
export function parseFieldSelector(text: string): FieldTest {
  if (text.trim() === "") return () => true;
  const terms = text.split(",").map((term) => {
    const [, field, operator, value] = form.exec(term) ?? [];
    if (field === undefined) {
      throw new StatusError(
        "badRequest",
        `field selector ${quoted(term)}: only metadata.name and metadata.namespace can be selected, with = or !=`,
      );
    }
    return { isName: field === "metadata.name", equal: operator !== "!=", value };
  });
  if (terms.length > selectorLimit) throw new StatusError("badRequest", `more than ${selectorLimit} field selectors`);
  return ({ name, namespace }) =>
    terms.every(({ isName, equal, value }) => ((isName ? name : namespace) === value) === equal);
}
