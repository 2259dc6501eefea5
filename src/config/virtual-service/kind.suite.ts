// What holds for every kind whose schema follows Istio's: one suite, run with samples that name every field.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PathSegment } from "../field-path.ts";
import { apiVersionOf, type Kind } from "../kind.ts";
import type { ApiObject } from "../object.ts";
import { formatProblem, type Problem } from "../problem.ts";
import { validateObject } from "../validate.ts";
import { changed, fieldsOf, firstPlacesOf, placesOf, valueAt, violations } from "./schema-cases.fake.ts";

/** Runs of the property test; three kinds make ten thousand. */
const mutationRuns = 3_400;

export function objectOf(kind: Kind<never>, spec: unknown): ApiObject {
  return {
    apiVersion: apiVersionOf(kind as Kind),
    kind: kind.kind,
    metadata: { name: "sample", namespace: "shop" },
    spec,
  };
}

export function problemsOf(kind: Kind<never>, spec: unknown): Problem[] {
  return validateObject(kind as Kind, objectOf(kind, spec));
}

/** `severity code path`, which is what a reader can rely on. */
export function outlineOf(problems: readonly Problem[]): string[] {
  return problems.map(({ severity, code, path }) => `${severity} ${code} ${path}`);
}

function errorsOf(problems: readonly Problem[]): string[] {
  return problems.filter((problem) => problem.severity === "error").map(formatProblem);
}

/** @param specs valid specs that together set every field of the kind */
export function kindSuite(kind: Kind<never>, specs: readonly object[], pending: readonly string[]): void {
  // Parts that the samples share must not change together.
  const samples = specs.map((spec) => JSON.parse(JSON.stringify(spec)) as object);
  describe(`${kind.kind}, as every kind`, () => {
    it("takes valid objects in every served version", () => {
      for (const version of kind.versions) {
        for (const spec of samples) {
          const object = { ...objectOf(kind, spec), apiVersion: apiVersionOf(kind as Kind, version) };
          assert.deepEqual(errorsOf(validateObject(kind as Kind, object)), []);
        }
      }
    });

    it("is tried with every field of its schema", () => {
      const tried = new Set(samples.flatMap((spec) => placesOf(kind.schema, spec).map((place) => place.field)));
      const missing = fieldsOf(kind.schema).filter(({ field }) => !tried.has(field));
      assert.deepEqual(
        missing.map(({ field }) => field),
        [],
      );
    });

    it("describes every field in a sentence", () => {
      for (const { field, node } of fieldsOf(kind.schema)) assert.match(node.description ?? "", /\.$/, field);
    });

    it("says which fields are not carried out", () => {
      const marked = fieldsOf(kind.schema).filter(({ node }) => node.pending === true);
      assert.deepEqual(marked.map(({ field }) => field).sort(), [...pending].sort());
    });

    it("survives the absence and the null of each field", () => {
      for (const { sample, place } of firstPlacesOf(kind.schema, samples)) {
        for (const value of [undefined, null]) {
          assert.doesNotThrow(() => problemsOf(kind, changed(sample, place.path, value)), place.field);
        }
      }
    });

    it("names path and code of each violated type, enum, bound and required field", () => {
      let count = 0;
      for (const { spec, path, code } of violations(kind.schema, samples)) {
        const errors = problemsOf(kind, spec).filter((problem) => problem.severity === "error");
        assert.deepEqual([...new Set(outlineOf(errors))], [`error ${code} ${path}`]);
        count += 1;
      }
      assert.ok(count > 100, `only ${count} violations were tried`);
    });

    it("never throws on damaged objects, and says where the damage is", () => {
      const places = samples.map((spec) => placesOf(kind.schema, spec).map((place) => place.path));
      fc.assert(
        fc.property(fc.nat(samples.length - 1), fc.array(edit, { minLength: 1, maxLength: 4 }), (which, edits) => {
          let spec: unknown = samples[which];
          for (const { at, value, key } of edits) {
            const all = places[which] ?? [];
            spec = damaged(spec, all[at % all.length] ?? [], value, key);
          }
          for (const problem of problemsOf(kind, spec)) {
            assert.match(problem.code, /^(LAT|IST)\d{4}$/);
            assert.match(problem.path ?? "", /^(spec|metadata)\b/);
          }
        }),
        { numRuns: mutationRuns },
      );
    });
  });
}

const hostile = ["__proto__", "constructor", "", "*", "..", "[", "(?=x)", "%", "\ud800", "{**}/{*}", "a".repeat(2000)];

const edit = fc.record({
  at: fc.nat(10_000),
  value: fc.oneof(
    fc.constantFrom(undefined, null, true, 0, -1, 0.5, 2 ** 31, 2 ** 32, 1e20, Number.NaN, {}, []),
    fc.constantFrom(...hostile),
    fc.string({ maxLength: 20 }),
    fc.jsonValue({ maxDepth: 2 }),
  ),
  key: fc.option(fc.oneof(fc.constantFrom(...hostile), fc.string({ maxLength: 10 })), { freq: 3 }),
});

/** Replaces the value at the path, or puts one more key beside it; leaves the spec alone where the path is gone. */
function damaged(spec: unknown, path: readonly PathSegment[], value: unknown, key: string | null): unknown {
  try {
    const parent = valueAt(spec, path.slice(0, -1));
    if (parent === null || typeof parent !== "object") return spec;
    const place = key === null || Array.isArray(parent) ? path : [...path.slice(0, -1), key];
    return changed(spec, place, value);
  } catch (error) {
    if (error instanceof TypeError) return spec; // an earlier edit took the path away
    throw error;
  }
}
