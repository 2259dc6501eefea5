import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { matchesWhole, replaceMatches } from "./regex.ts";

describe("matchesWhole", () => {
  const cases: [pattern: string, text: string, matches: boolean][] = [
    ["/v[0-9]+/.*", "/v12/x", true],
    ["/v[0-9]+/.*", "/vx/x", false],
    ["ab", "xab", false],
    ["ab", "abx", false],
    ["", "", true],
    ["a|ab", "ab", true],
    ["^(.*?;)?(user=jason)(;.*)?$", "a=b;user=jason;c", true],
    ["^(.*?;)?(user=jason)(;.*)?$", "a=b;user=jasons", false],
    ["(?i)jason", "JaSoN", true],
    ["a(?i)b", "aB", true],
    ["a(?i)b", "AB", false],
    ["(?i:a)b", "AB", false],
    ["[^/]+", "a/b", false],
    ["[]a]", "]", true],
    ["[a-]", "-", true],
    ["[[:alpha:]_]+", "az_", true],
    ["[[:^digit:]]", "7", false],
    ["\\d{2,3}", "1234", false],
    ["\\d{2,3}", "123", true],
    ["\\D\\W\\S", "a-x", true],
    [".", "\n", false],
    ["(?s).", "\n", true],
    ["\\Qa.b*\\E+", "a.b**", true],
    ["\\x41\\x{1F600}", "A😀", true],
    ["\\Aa\\z", "a", true],
    ["a\\b-", "a-", true],
    ["a\\Bb", "ab", true],
    ["(?P<name>a)(?<other>b)", "ab", true],
    ["a{0}b", "b", true],
    ["spiffe://[^/]+/ns/shop/.*", "spiffe://cluster.local/ns/shop/sa/x", true],
    ["{", "{", true],
    ["a{,2}", "a{,2}", true],
  ];
  for (const [pattern, text, matches] of cases) {
    it(`${pattern} on ${JSON.stringify(text)}`, () => assert.equal(matchesWhole(pattern, text), matches));
  }

  it("takes no longer for expressions that explode elsewhere", () => {
    assert.equal(matchesWhole("(a+)+$", `${"a".repeat(5000)}!`), false);
    assert.equal(matchesWhole("(.*)(.*)(.*)(.*)(.*)x", "a".repeat(2000)), false);
  });

  it("says what it does not know, and what RE2 refuses", () => {
    for (const pattern of [
      "\\pL",
      "\\C",
      "(?=a)",
      "\\1",
      "*a",
      "(a",
      "a)",
      "[a",
      "a**",
      "a{1001}",
      "\\",
      "(?<n",
      "[b-a]",
    ])
      assert.throws(() => matchesWhole(pattern, "a"), { code: "LAT2201" }, pattern);
  });
});

describe("replaceMatches", () => {
  const cases: [pattern: string, text: string, rewrite: string, result: string][] = [
    ["^/shop(/?)(.*)", "/shop/cart", "/\\2", "/cart"],
    ["^/shop(/?)(.*)", "/shop", "/\\2", "/"],
    ["b+", "ababrabbb", "bb", "abbabbrabb"],
    ["a*", "baaac", "(x)", "(x)b(x)c(x)"],
    ["", "ab", "-", "-a-b-"],
    ["(a)|(b)", "ab", "[\\1\\2]", "[a][b]"],
    ["x", "abc", "y", "abc"],
    ["a", "a", "\\\\\\0", "\\a"],
    ["a", "", "b", ""],
  ];
  for (const [pattern, text, rewrite, result] of cases) {
    it(`${pattern} in ${text} by ${rewrite}`, () => assert.equal(replaceMatches(pattern, text, rewrite), result));
  }
});

/** Expressions that RE2 and JavaScript read alike. */
const { pattern: commonPattern } = fc.letrec<{ pattern: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("a", "b", "-", ".", "[ab]", "[^a]", "\\w", "\\d", "^", "$", "\\b"),
    tie("pattern").map((inner) => `(${inner})`),
    tie("pattern").map((inner) => `(?:${inner})`),
  ),
  pattern: fc
    .array(fc.tuple(tie("atom"), fc.constantFrom("", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}")), {
      maxLength: 4,
    })
    .chain((parts) => {
      const text = parts.map(([atom, times]) => (/^(\^|\$|\\b)$/.test(atom) ? atom : atom + times)).join("");
      return fc.constantFrom(text, `${text}|a`, `b|${text}`);
    }),
}));

describe("against JavaScript, where both mean the same", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "-", "1"), maxLength: 8 });

  it("matchesWhole agrees", () => {
    fc.assert(
      fc.property(commonPattern, text, (pattern, subject) => {
        assert.equal(matchesWhole(pattern, subject), new RegExp(`^(?:${pattern})$`, "u").test(subject));
      }),
      { numRuns: 3000 },
    );
  });

  // Where it ends differs: JavaScript refuses empty repetitions, RE2 takes them.
  it("replaceMatches finds the same beginning of the leftmost match", () => {
    fc.assert(
      fc.property(commonPattern, text, (pattern, subject) => {
        const found = new RegExp(pattern, "u").exec(subject);
        const marked = replaceMatches(pattern, subject, "<\\0>");
        if (found === null) assert.equal(marked, subject);
        else assert.equal(marked.indexOf("<"), found.index);
      }),
      { numRuns: 2000 },
    );
  });
});
