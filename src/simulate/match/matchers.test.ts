import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { CidrRangeSchema } from "../../../gen/envoy/config/core/v3/address_pb.ts";
import { TypedExtensionConfigSchema } from "../../../gen/envoy/config/core/v3/extension_pb.ts";
import {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
} from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { UriTemplateMatchConfigSchema } from "../../../gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts";
import { StringMatcherSchema } from "../../../gen/envoy/type/matcher/v3/string_pb.ts";
import { rangeHolds } from "./cidr-range.ts";
import { matchesHeader } from "./header-matcher.ts";
import { matchesQuery, queryParameters } from "./query-matcher.ts";
import { matchesString } from "./string-matcher.ts";
import { matchesUriTemplate } from "./uri-template.ts";

type Pattern = NonNullable<MessageInitShape<typeof StringMatcherSchema>["matchPattern"]>;

describe("matchesString", () => {
  const cases: [pattern: Pattern, value: string, plain: boolean, anyCase: boolean][] = [
    [{ case: "exact", value: "Ab" }, "aB", false, true],
    [{ case: "prefix", value: "Ab" }, "abc", false, true],
    [{ case: "suffix", value: "bC" }, "abc", false, true],
    [{ case: "contains", value: "B" }, "abc", false, true],
    [{ case: "exact", value: "a" }, "ab", false, false],
    [{ case: "safeRegex", value: { regex: "a+" } }, "aa", true, true],
    [{ case: "safeRegex", value: { regex: "a+" } }, "AA", false, false],
    [{ case: "safeRegex", value: { regex: "a" } }, "ab", false, false],
  ];
  for (const [matchPattern, value, plain, anyCase] of cases) {
    it(`${matchPattern.case} ${JSON.stringify(matchPattern.value)} on ${value}`, () => {
      const of = (ignoreCase: boolean) =>
        matchesString(create(StringMatcherSchema, { matchPattern, ignoreCase }), value);
      assert.deepEqual([of(false), of(true)], [plain, anyCase]);
    });
  }

  it("refuses extensions", () => {
    const custom = create(StringMatcherSchema, { matchPattern: { case: "custom", value: {} } });
    assert.throws(() => matchesString(custom, ""), { code: "LAT2201" });
  });
});

describe("matchesHeader", () => {
  const headers = new Map([
    ["x-a", "one"],
    ["x-empty", ""],
    ["x-n", "42"],
  ]);
  const holds = (init: MessageInitShape<typeof HeaderMatcherSchema>) =>
    matchesHeader(create(HeaderMatcherSchema, init), headers);
  const exact = (value: string) =>
    ({ case: "stringMatch", value: { matchPattern: { case: "exact", value } } }) as const;

  it("asks for presence", () => {
    assert.equal(holds({ name: "X-A" }), true);
    assert.equal(holds({ name: "x-empty", headerMatchSpecifier: { case: "presentMatch", value: true } }), true);
    assert.equal(holds({ name: "x-b", headerMatchSpecifier: { case: "presentMatch", value: true } }), false);
    assert.equal(
      holds({ name: "x-b", headerMatchSpecifier: { case: "presentMatch", value: true }, invertMatch: true }),
      true,
    );
    assert.equal(holds({ name: "x-b", headerMatchSpecifier: { case: "presentMatch", value: false } }), true);
  });

  it("matches no value of an absent header, inverted or not, unless it is taken as empty", () => {
    const match = { name: "x-b", headerMatchSpecifier: exact("one") };
    assert.equal(holds(match), false);
    assert.equal(holds({ ...match, invertMatch: true }), false);
    assert.equal(holds({ ...match, invertMatch: true, treatMissingHeaderAsEmpty: true }), true);
    assert.equal(holds({ ...match, headerMatchSpecifier: exact(""), treatMissingHeaderAsEmpty: true }), true);
  });

  it("inverts what is there", () => {
    assert.deepEqual(
      [
        holds({ name: "x-a", headerMatchSpecifier: exact("one") }),
        holds({ name: "x-a", headerMatchSpecifier: exact("one"), invertMatch: true }),
      ],
      [true, false],
    );
  });

  it("reads numbers", () => {
    const range = (start: bigint, end: bigint) => ({ case: "rangeMatch", value: { start, end } }) as const;
    assert.equal(holds({ name: "x-n", headerMatchSpecifier: range(42n, 43n) }), true);
    assert.equal(holds({ name: "x-n", headerMatchSpecifier: range(0n, 42n) }), false);
    assert.equal(holds({ name: "x-a", headerMatchSpecifier: range(0n, 42n) }), false);
  });

  it("knows the old forms", () => {
    for (const [kind, value] of [
      ["exactMatch", "one"],
      ["prefixMatch", "on"],
      ["suffixMatch", "ne"],
      ["containsMatch", "n"],
    ] as const) {
      assert.equal(holds({ name: "x-a", headerMatchSpecifier: { case: kind, value } }), true, kind);
    }
    assert.equal(
      holds({ name: "x-a", headerMatchSpecifier: { case: "safeRegexMatch", value: { regex: "o.e" } } }),
      true,
    );
  });
});

describe("matchesQuery", () => {
  it("looks at the first value, as it is written", () => {
    const parameters = queryParameters("/p?a=1&a=2&b&c=%20&=x#f");
    const holds = (name: string, value?: string) =>
      matchesQuery(
        create(QueryParameterMatcherSchema, {
          name,
          ...(value === undefined
            ? { queryParameterMatchSpecifier: { case: "presentMatch", value: true } }
            : {
                queryParameterMatchSpecifier: {
                  case: "stringMatch",
                  value: { matchPattern: { case: "exact", value } },
                },
              }),
        }),
        parameters,
      );
    assert.deepEqual(
      [holds("a", "1"), holds("a", "2"), holds("b"), holds("b", ""), holds("c", "%20"), holds("d")],
      [true, false, true, true, true, false],
    );
  });

  it("finds none in a path without query", () => assert.equal(queryParameters("/p#a=1").size, 0));
});

describe("matchesUriTemplate", () => {
  const template = (pathTemplate: string) =>
    create(TypedExtensionConfigSchema, {
      name: "t",
      typedConfig: anyPack(UriTemplateMatchConfigSchema, create(UriTemplateMatchConfigSchema, { pathTemplate })),
    });
  const cases: [template: string, path: string, matches: boolean][] = [
    ["/a/*/c", "/a/b/c?x", true],
    ["/a/*/c", "/a//c", false],
    ["/a/*/c", "/a/b/b/c", false],
    ["/a/**", "/a/", true],
    ["/a/**", "/a/b/c", true],
    ["/a/**", "/a", false],
    ["/a.b/*", "/axb/c", false],
    ["/*", "/a b", false],
  ];
  for (const [pattern, path, matches] of cases) {
    it(`${pattern} on ${path}`, () => assert.equal(matchesUriTemplate(template(pattern), path), matches));
  }

  it("refuses variables and other matchers", () => {
    assert.throws(() => matchesUriTemplate(template("/{a}"), "/a"), { code: "LAT2201" });
    assert.throws(() => matchesUriTemplate(create(TypedExtensionConfigSchema, { name: "t" }), "/a"), {
      code: "LAT2201",
    });
  });
});

describe("rangeHolds", () => {
  it("compares addresses of one family", () => {
    const range = (addressPrefix: string, prefixLen: number) => create(CidrRangeSchema, { addressPrefix, prefixLen });
    assert.equal(rangeHolds(range("10.0.0.0", 8), "10.9.9.9"), true);
    assert.equal(rangeHolds(range("10.0.0.0", 8), "11.0.0.0"), false);
    assert.equal(rangeHolds(range("0.0.0.0", 0), "::1"), false);
    assert.equal(rangeHolds(range("2001:db8::", 32), "2001:db8:1::1"), true);
    assert.throws(() => rangeHolds(range("x", 8), "10.0.0.1"), { code: "LAT2203" });
    assert.throws(() => rangeHolds(range("10.0.0.0", 8), undefined), { code: "LAT2202" });
  });
});
