import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseFieldSelector } from "./field-selector.ts";
import { parseLabelSelector } from "./label-selector.ts";
import { StatusError } from "./status-error.ts";

const labels = { app: "shop", tier: "web", size: "3", empty: "", "example.com/part": "a_b.c" };

test("label selectors, equality and set based", () => {
  const cases: [string, boolean][] = [
    ["", true],
    ["app=shop", true],
    ["app==shop", true],
    ["app = shop , tier=web", true],
    ["app!=shop", false],
    ["other!=shop", true],
    ["app=other", false],
    ["app in (shop, mall)", true],
    ["app in (mall)", false],
    ["app notin (mall)", true],
    ["other notin (mall)", true],
    ["app notin (shop)", false],
    ["app", true],
    ["other", false],
    ["!other", true],
    ["! app", false],
    ["size>2", true],
    ["size>3", false],
    ["size<4,app", true],
    ["tier>1", false],
    ["empty=", true],
    ["app=", false],
    ["empty in ()", true],
    ["example.com/part=a_b.c", true],
    ["in in (x)", false],
    ["notin", false],
  ];
  for (const [text, expected] of cases) assert.equal(parseLabelSelector(text)(labels), expected, text);
  assert.equal(parseLabelSelector("app")(undefined), false);
  assert.equal(parseLabelSelector("!constructor,!toString")({}), true);
});

test("label selectors that cannot be read are refused", () => {
  const broken = [
    ",",
    "a,",
    "a=b=c",
    "a in",
    "a in (",
    "a in (b",
    "a in b",
    "(a)",
    "a>b",
    "a>",
    "!",
    "!!a",
    "-a",
    "a b",
  ];
  for (const text of [...broken, Array.from({ length: 65 }, (_, index) => `l${index}`).join(",")]) {
    assert.throws(() => parseLabelSelector(text), hasStatus(400), text);
  }
});

test("field selectors know the name and the namespace", () => {
  const fields = { name: "reviews", namespace: "shop" };
  const cases: [string, boolean][] = [
    ["", true],
    ["metadata.name=reviews", true],
    ["metadata.name==reviews,metadata.namespace=shop", true],
    ["metadata.name!=reviews", false],
    ["metadata.namespace=", false],
  ];
  for (const [text, expected] of cases) assert.equal(parseFieldSelector(text)(fields), expected, text);
  for (const text of ["spec.host=a", "metadata.name", "metadata.name in (a)", ",", "a=b,metadata.name=x"]) {
    assert.throws(() => parseFieldSelector(text), hasStatus(400), text);
  }
});

test("no text makes a selector fail otherwise", () => {
  const piece = fc.constantFrom(
    "a",
    "in",
    "notin",
    "(",
    ")",
    ",",
    "=",
    "==",
    "!=",
    "!",
    "<",
    ">",
    "3",
    " ",
    "é",
    "metadata.name",
  );
  const text = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.array(piece, { maxLength: 20 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (selector) => {
      for (const parse of [parseLabelSelector, parseFieldSelector] as const) {
        try {
          parse(selector)({ name: "a", namespace: "b" });
        } catch (error) {
          assert.ok(error instanceof StatusError);
        }
      }
    }),
    { numRuns: 5000 },
  );
});

function hasStatus(code: number): (error: unknown) => boolean {
  return (error) => error instanceof StatusError && error.status.code === code;
}
