// `vs`, `vs,dr`, `vs reviews ratings`, `vs/reviews dr/ratings`: what kubectl's users type to name objects.
import { quoted } from "../../kernel/quote.ts";
import { findKind } from "../api/discovery.ts";
import type { ResourceKind } from "../api/resource-kind.ts";
import { cliErrors } from "../errors.ts";

export type Wanted =
  /** All objects of these kinds. */
  | { form: "kinds"; kinds: readonly ResourceKind[] }
  /** These objects. */
  | { form: "objects"; objects: readonly WantedObject[] };

export interface WantedObject {
  kind: ResourceKind;
  name: string;
}

/** Most words one command line may name objects with. */
const wordLimit = 10_000;

/**
 * Reads the words after `get`, `describe` or `delete`. `all` stands for every kind.
 *
 * @throws LateenError LAT9001
 */
export function readResourceArguments(words: readonly string[], served: readonly ResourceKind[]): Wanted {
  const [first, ...rest] = words;
  if (first === undefined || first === "") {
    throw cliErrors.usage("name a kind, and if you like objects of it", {
      remedy: "For example: virtualservice reviews, or vs/reviews. lateen explain lists the kinds.",
    });
  }
  if (words.length > wordLimit) throw cliErrors.usage(`more than ${wordLimit} names were given`);
  if (words.some((word) => word.includes("/")))
    return { form: "objects", objects: words.map((word) => readPair(word, served)) };
  const kinds = first
    .split(",")
    .filter((word) => word !== "")
    .flatMap((word) => (word === "all" ? served : [findKind(served, word)]));
  if (rest.length === 0) return { form: "kinds", kinds: [...new Set(kinds)] };
  return { form: "objects", objects: kinds.flatMap((kind) => rest.map((name) => ({ kind, name }))) };
}

function readPair(word: string, served: readonly ResourceKind[]): WantedObject {
  const [kind = "", name = "", ...more] = word.split("/");
  if (kind === "" || name === "" || more.length > 0) {
    throw cliErrors.usage(`${quoted(word)} is not of the form KIND/NAME`, {
      remedy: "Write all of them as KIND/NAME, or one KIND followed by names.",
    });
  }
  return { kind: findKind(served, kind), name };
}
