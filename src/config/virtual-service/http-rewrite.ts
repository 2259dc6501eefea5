// HTTPRewrite: path and authority as the destination sees them (istio.networking.v1alpha3.HTTPRewrite).
import { object, type Rule, type SpecOf, string } from "../schema.ts";
import { checkRe2 } from "./re2.ts";
import { regexRules } from "./string-match.ts";

interface RegexRewrite {
  match?: string;
  rewrite?: string;
}

const needsBoth: Rule<RegexRewrite> = {
  message: "match and rewrite must both be set",
  test: ({ match, rewrite }) => match !== undefined && rewrite !== undefined,
};

/** RE2 takes `\0` to `\9` for groups and `\\` for a backslash, nothing else. */
const groupsExist: Rule<RegexRewrite> = {
  message: "may only use \\0 to \\9 for groups that match has, and \\\\ for a backslash",
  at: "rewrite",
  test: ({ match = "", rewrite = "" }) => {
    const result = checkRe2(match);
    if ("fault" in result) return true; // said at match
    const escapes = [...rewrite.matchAll(/\\([\s\S]?)/g)].map((match) => match[1] ?? "");
    return escapes.every((char) => char === "\\" || (/^\d$/.test(char) && Number(char) <= result.groups));
  },
};

const regexRewrite = object(
  {
    match: string({
      description: "Regular expression in RE2 syntax; every part of the path that matches is replaced.",
      rules: [...regexRules],
    }),
    rewrite: string({ description: "The replacement; \\1 stands for the first group of match." }),
  },
  { description: "Changes the path by a regular expression.", rules: [needsBoth, groupsExist] },
);

const changesSomething: Rule<{ uri?: string; authority?: string; uriRegexRewrite?: object }> = {
  message: "a rewrite needs at least one of uri, authority, uriRegexRewrite",
  test: ({ uri = "", authority = "", uriRegexRewrite }) =>
    uri !== "" || authority !== "" || uriRegexRewrite !== undefined,
};

const onePathForm: Rule<{ uri?: string; uriRegexRewrite?: object }> = {
  message: "uri and uriRegexRewrite cannot be combined",
  at: "uriRegexRewrite",
  test: ({ uri = "", uriRegexRewrite }) => uri === "" || uriRegexRewrite === undefined,
};

export const httpRewriteSchema = object(
  {
    uri: string({
      description: "Replaces the part of the path that the uri match found: a prefix, or the whole path.",
    }),
    authority: string({ description: "Replaces the authority (Host)." }),
    uriRegexRewrite: regexRewrite,
  },
  {
    description: "Changes path and authority before the request is forwarded.",
    rules: [changesSomething, onePathForm],
  },
);

export type HttpRewrite = SpecOf<typeof httpRewriteSchema>;
