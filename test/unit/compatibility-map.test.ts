// The arrows in the code say what becomes of every field of the API: none forgotten, none invented.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { fieldAt, leavesBelow, leavesOf, mappedKinds } from "./api-fields.fake.ts";

const root = join(import.meta.dirname, "../..");

/** An object with more fields than this says too much for one arrow: its parts need their own. */
const widestObject = 12;

/** Fields that nothing is built from, and why. */
const elsewhere: Readonly<Record<string, string>> = {
  "MeshConfig.visibility": "strict is not carried out yet, which the document's problems say",
};

/** An arrow from field to field: whatever is below the one is carried out as what is below the other. */
const fieldPath = /^[A-Z]\w+(?:\.[\w[\]{}]+)+$/;

interface Arrow {
  readonly file: string;
  readonly fields: readonly string[];
  readonly target: string;
}

/** `// Kind.spec.field, Kind.spec.list[].field → target`, on the first lines of files and before functions. */
function arrows(): Arrow[] {
  const found: Arrow[] = [];
  for (const file of globSync("src/{translate,model}/**/*.ts", { cwd: root }).sort()) {
    if (/\.(test|fake)\.ts$/.test(file)) continue;
    for (const line of readFileSync(join(root, file), "utf8").split("\n")) {
      const [, left, target] = /^(?:\/\/|\/\*\*| \*) ((?:\w+\.[\w.[\]{}]+(?:, )?)+) → (.+)$/.exec(line) ?? [];
      if (left !== undefined && target !== undefined) found.push({ file, fields: left.split(", "), target });
    }
  }
  return found;
}

function isField(target: string): boolean {
  return fieldPath.test(target) && fieldAt(target) !== undefined;
}

function covers(arrow: string, field: string): boolean {
  return field === arrow || [".", "[]", "{}"].some((next) => field.startsWith(arrow + next));
}

suite("the compatibility map", () => {
  const map = arrows();
  const aliases = map.filter(({ target }) => isField(target));
  const named = new Set(map.filter(({ target }) => !isField(target)).flatMap(({ fields }) => fields));

  const isCarriedOut = (field: string): boolean => {
    if ([...named].some((arrow) => covers(arrow, field))) return true;
    return aliases.some(({ fields: [from = ""], target }) => {
      return field !== from && covers(from, field) && isCarriedOut(target + field.slice(from.length));
    });
  };

  test("is there", () => assert.ok(map.length > 40, `${map.length} arrows`));

  test("begins every file of translate whose name is an Envoy noun", () => {
    for (const file of globSync("src/translate/{cds,eds,lds,nds,rds,rbac,tls}/**/*.ts", { cwd: root })) {
      if (/\.(test|fake)\.ts$/.test(file)) continue;
      const [first = ""] = readFileSync(join(root, file), "utf8").split("\n");
      assert.match(first, /^\/\/ /, file);
      if (first.includes("→"))
        assert.ok(
          map.some((arrow) => arrow.file === file && first.includes(arrow.target)),
          `${file}: ${first}`,
        );
    }
  });

  test("names fields that exist", () => {
    for (const { file, fields } of map) {
      for (const field of fields) assert.ok(fieldAt(field) !== undefined, `${file}: ${field}`);
    }
  });

  test("names no field that is not carried out", () => {
    for (const { file, fields } of map) {
      for (const field of fields) assert.notEqual(fieldAt(field)?.pending, true, `${file}: ${field} is pending`);
    }
  });

  test("draws no arrow from an object that holds too much", () => {
    for (const field of named) {
      const node = fieldAt(field);
      assert.ok(node !== undefined && leavesBelow(node, field).length <= widestObject, field);
    }
  });

  for (const kind of mappedKinds) {
    test(`has every field of ${kind} that is not pending`, () => {
      const missing = leavesOf(kind).filter((field) => elsewhere[field] === undefined && !isCarriedOut(field));
      assert.deepEqual(missing, []);
    });
  }

  test("excuses only fields that exist and have no arrow", () => {
    for (const [field, reason] of Object.entries(elsewhere)) {
      assert.ok(fieldAt(field) !== undefined, field);
      assert.ok(![...named].some((arrow) => covers(arrow, field)), `${field} has an arrow`);
      assert.ok(reason.length > 20, field);
    }
  });
});
