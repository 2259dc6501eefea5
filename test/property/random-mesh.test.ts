// The generators of the histories: what they make may be written, and reaches everything that proxies act on.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { kindByName } from "../../src/config/kinds.ts";
import { validateObject } from "../../src/config/validate.ts";
import { defaultMeshSettings, type MeshSettings } from "../../src/model/mesh-settings.ts";
import { apiObjectOf, randomConfig } from "../../src/translate/random-mesh.fake.ts";
import { randomSettings } from "../../src/translate/random-settings.fake.ts";
import { fieldAt, leavesOf, mappedKinds } from "../unit/api-fields.fake.ts";

/** Fields that histories do without, and why. */
const elsewhere: Readonly<Record<string, string>> = {
  "WorkloadGroup.spec.template.address": "has no effect: each machine brings its own",
};
/** Settings that hold for the life of a process. */
const fixed: ReadonlySet<string> = new Set(["domainSuffix", "clusterId"]);

const sample = fc.sample(randomConfig, { numRuns: 12_000, seed: 20_260_101 });

/** Paths of every value of an object, as `leavesOf` spells them, and each word of an enumeration behind its path. */
function fieldsOf(kind: string, spec: object): Set<string> {
  const found = new Set<string>();
  const visit = (value: unknown, path: string): void => {
    found.add(path);
    if (typeof value === "string") found.add(`${path}=${value}`);
    else if (Array.isArray(value)) {
      for (const each of value) {
        if (typeof each === "object") visit(each, `${path}[]`);
      }
    } else if (typeof value === "object" && value !== null) {
      for (const [name, each] of Object.entries(value)) {
        visit(each, `${path}.${name}`);
        visit(each, `${path}{}`);
      }
    }
  };
  visit(spec, `${kind}.spec`);
  return found;
}

suite("random objects of a mesh", () => {
  test("are such as authors may write", () => {
    for (const config of sample.slice(0, 3_000)) {
      const kind = kindByName(config.key.kind);
      assert.ok(kind !== undefined, config.key.kind);
      const errors = validateObject(kind, apiObjectOf(config)).filter(({ severity }) => severity === "error");
      assert.deepEqual(errors, [], JSON.stringify(config.spec));
    }
  });

  const reached = new Set<string>();
  for (const { key, spec } of sample) for (const field of fieldsOf(key.kind, spec)) reached.add(field);

  for (const kind of [...mappedKinds.filter((each) => each !== "MeshConfig"), "WorkloadGroup"]) {
    test(`reach every field of ${kind} that is carried out`, () => {
      const missing = leavesOf(kind).filter((field) => !reached.has(field) && elsewhere[field] === undefined);
      assert.deepEqual(missing, []);
    });

    test(`reach every word of ${kind}'s enumerations`, () => {
      const words = leavesOf(kind).flatMap((field) => (fieldAt(field)?.enum ?? []).map((word) => `${field}=${word}`));
      assert.deepEqual(
        words.filter((word) => !reached.has(word)),
        [],
      );
    });
  }

  test("reach every setting of the mesh that may change", () => {
    const changed = new Set<string>();
    for (const settings of fc.sample(randomSettings, { numRuns: 1_000, seed: 1 })) {
      for (const [name, value] of Object.entries(settings)) {
        if (value !== defaultMeshSettings[name as keyof MeshSettings]) changed.add(name);
      }
    }
    assert.deepEqual(
      Object.keys(defaultMeshSettings).filter((name) => !changed.has(name) && !fixed.has(name)),
      [],
    );
  });
});
