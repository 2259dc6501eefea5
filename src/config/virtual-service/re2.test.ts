import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { checkRe2, regexLengthLimit } from "./re2.ts";

function faultOf(text: string): string | undefined {
  const result = checkRe2(text);
  return "fault" in result ? result.fault : undefined;
}

describe("RE2 syntax", () => {
  it("takes what RE2 takes", () => {
    const fine = [
      "",
      "a|b|",
      "^/api/v[0-9]+(/.*)?$",
      "(?i:abc)(?s-m:.)(?U)a*?",
      "(?P<year>\\d{4})-(?<month>\\d{2})",
      "[]a]",
      "[^]a]",
      "[a-z\\-\\]\\d]",
      "[[:^digit:]x]",
      "[a-b-c]",
      "\\pN\\p{Greek}\\P{^Lu}",
      "\\x41\\x{ff}\\012\\0",
      "\\Qa.b[\\E+",
      "a{2,3}?",
      "a{,5}",
      "a{x}",
      "{",
      "}",
      "]",
      "\\A\\b\\B\\z",
      "\\_\\ \\/",
      "ü+",
      "(a{30}){30}",
      "a(?i)*",
      "^*",
      "[a-z]{1000}".repeat(30),
      `${"x{1000}".repeat(32)}x{764}`,
    ];
    for (const text of fine) assert.equal(faultOf(text), undefined, text);
  });

  it("says why RE2 refuses", () => {
    const refused: [string, string][] = [
      ["(?=a)", "lookaround"],
      ["(?!a)", "lookaround"],
      ["x(?<=a)", "lookaround"],
      ["x(?<!a)", "lookaround"],
      ["(a)\\1", "backreference"],
      ["(?P<n>a)(?P=n)", "backreference"],
      ["(?<n>a)\\k<n>", "backreference"],
      ["a{1001}", "repetition"],
      ["a{2,1}", "repetition"],
      ["a{3,1001}", "repetition"],
      ["(a{100}){11}", "repetition"],
      ["x{1000}".repeat(33), "tooLarge"],
      [`${"x{1000}".repeat(32)}x{765}`, "tooLarge"],
      ["a".repeat(regexLengthLimit + 1), "tooLarge"],
      ["(", "syntax"],
      [")", "syntax"],
      ["a)b", "syntax"],
      ["[", "syntax"],
      ["[]", "syntax"],
      ["[z-a]", "syntax"],
      ["[a-\\d]", "syntax"],
      ["[[:no:]]", "syntax"],
      ["*a", "syntax"],
      ["{2}", "syntax"],
      ["(|*)", "syntax"],
      ["a**", "syntax"],
      ["a*+", "syntax"],
      ["a++", "syntax"],
      ["\\", "syntax"],
      ["\\Z", "syntax"],
      ["\\c", "syntax"],
      ["\\x{1F600}", "syntax"],
      ["\\400", "syntax"],
      ["\\p{Nonsense}", "syntax"],
      ["(?i)*", "syntax"],
      ["\\xg", "syntax"],
      ["\\p{", "syntax"],
      ["(?>a)", "syntax"],
      ["(?#a)", "syntax"],
      ["(?P<a>a)(?P<a>b)", "syntax"],
      ["(?z)", "syntax"],
      ["(?", "syntax"],
      ["\ud800", "syntax"],
    ];
    for (const [text, fault] of refused) assert.equal(faultOf(text), fault, text.slice(0, 20));
  });

  it("counts the groups that capture", () => {
    assert.deepEqual(checkRe2("(a)(?:b)(?P<c>(d))[(]\\("), { groups: 3 });
  });

  it("never throws, and takes no expression that is broken for JavaScript too", () => {
    const piece = fc.constantFrom(..."()[]{}*+?|\\-.d1a", "{2}");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        if (faultOf(text) !== undefined) return;
        // What JavaScript reads otherwise: empty classes, octal numbers and escapes that RE2 knows.
        if (/\[\^?\]|\\[\d.]|\[.*\[/.test(text)) return;
        assert.doesNotThrow(() => new RegExp(text), text);
      }),
      { numRuns: 1_500 },
    );
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => void checkRe2(text)));
  });
});
