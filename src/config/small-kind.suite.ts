// What holds for every kind, tried on samples that together set every field.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeYaml } from "./decode/decode-yaml.ts";
import { formatPath } from "./field-path.ts";
import { apiVersionOf, type Kind } from "./kind.ts";
import type { ApiObject } from "./object.ts";
import { formatProblem, type Problem } from "./problem.ts";
import { schemaNode } from "./schema-node.ts";
import { samplePlaces, sampleViolations, schemaFields, withValueAt } from "./schema-places.fake.ts";
import { validateObject } from "./validate.ts";

export function objectOf(kind: Kind<never>, spec: unknown): ApiObject {
  const namespace = kind.scope === "Namespaced" ? "shop" : "";
  return { apiVersion: apiVersionOf(kind as Kind), kind: kind.kind, metadata: { name: "sample", namespace }, spec };
}

export function problemsOf(kind: Kind<never>, spec: unknown): Problem[] {
  return validateObject(kind as Kind, objectOf(kind, spec));
}

/** `severity code path`, which is what a reader can rely on. */
export function outlineOf(problems: readonly Problem[]): string[] {
  return problems.map(({ severity, code, path }) => `${severity} ${code} ${path}`);
}

function errorsOf(kind: Kind<never>, spec: unknown): Problem[] {
  return problemsOf(kind, spec).filter((problem) => problem.severity === "error");
}

/** @param samples valid specs that together set every field of the kind */
export function smallKindSuite(kind: Kind<never>, samples: readonly object[], pending: readonly string[]): void {
  const schema = schemaNode(kind.schema);
  describe(`${kind.kind}, as every kind`, () => {
    it("takes the samples, which set every field", () => {
      for (const spec of samples) assert.deepEqual(errorsOf(kind, spec).map(formatProblem), []);
      const tried = new Set(samples.flatMap((spec) => samplePlaces(schema, spec).map((place) => place.field)));
      const missing = schemaFields(schema).filter(({ field }) => !tried.has(field));
      assert.deepEqual(missing, []);
    });

    it("says which fields are not carried out", () => {
      const marked = schemaFields(schema).filter(({ node }) => node.pending === true);
      assert.deepEqual(marked.map(({ field }) => field).sort(), [...pending].sort());
    });

    it("survives the absence and the emptiness of each field", () => {
      for (const spec of samples) {
        for (const { path } of samplePlaces(schema, spec)) {
          for (const value of [undefined, null, {}, [], "", 0]) {
            if (path.length > 0 || value !== undefined) problemsOf(kind, withValueAt(spec, path, value));
          }
        }
      }
      problemsOf(kind, undefined);
    });

    it("takes a field that is null as absent, once decoded", () => {
      for (const spec of samples) {
        for (const { path } of samplePlaces(schema, spec)) {
          if (path.length === 0 || typeof path.at(-1) === "number") continue;
          const [withNull] = decodeYaml(JSON.stringify(objectOf(kind, withValueAt(spec, path, null)))).objects;
          assert.deepEqual(withNull?.object.spec, withValueAt(spec, path, undefined), formatPath(path));
        }
      }
    });

    it("names path and code of each violated type, enum, bound and required field", () => {
      for (const sample of samples) {
        for (const { spec, path, code } of sampleViolations(schema, sample)) {
          assert.deepEqual([...new Set(outlineOf(errorsOf(kind, spec)))], [`error ${code} ${path}`]);
        }
      }
    });

    it("never throws on damaged objects", () => {
      const places = samples.map((spec) => samplePlaces(schema, spec).map((place) => place.path));
      fc.assert(
        fc.property(fc.nat(samples.length - 1), fc.nat(), damage, (which, at, value) => {
          const paths = places[which] ?? [];
          problemsOf(kind, withValueAt(samples[which], paths[at % paths.length] ?? [], value));
        }),
        { numRuns: 1_000 },
      );
    });
  });
}

const damage = fc.oneof(
  fc.constantFrom(null, true, -1, 0.5, 2 ** 32, Number.NaN, "__proto__", "constructor", "unix://", "*", "%", "\ud800"),
  fc.constantFrom("a".repeat(5000), "::", "[::1]", "/", "http:", "~"),
  fc.string({ maxLength: 20 }),
  fc.jsonValue({ maxDepth: 3 }),
);
