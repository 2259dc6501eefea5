// Every case in testdata: what the objects become for the proxy. UPDATE_GOLDEN=1 rewrites the outputs and prunes old ones.
import assert from "node:assert/strict";
import { globSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { Registry } from "@bufbuild/protobuf";
import { stringify } from "yaml";
import {
  everyMessage,
  type GoldenType,
  goldenCases,
  goldenTypes,
  openCase,
  readCase,
  resourcesAsJson,
  testdata,
  withSharedParts,
} from "./golden-case.fake.ts";

const update = process.env["UPDATE_GOLDEN"] === "1";

describe("golden cases", () => {
  let registry: Registry;
  before(async () => {
    registry = await everyMessage();
  });

  it("are there", () => {
    assert.ok(goldenCases().length >= 3);
  });

  for (const name of goldenCases()) {
    it(name, () => {
      const { input, golden } = readCase(name);
      const { view } = openCase(input);
      const written = new Set(["in.yaml"]);
      for (const type of Object.keys(goldenTypes) as GoldenType[]) {
        const resources = resourcesAsJson(view, type, registry);
        const text = resources.length === 0 ? undefined : stringify(withSharedParts(resources), { lineWidth: 0 });
        if (text !== undefined) written.add(`${type}.yaml`);
        if (!update) assert.equal(text, golden(type), `${name}/${type}.yaml differs; UPDATE_GOLDEN=1 rewrites it`);
        else if (text !== undefined) writeFileSync(join(testdata, name, `${type}.yaml`), text);
      }
      for (const file of globSync("*", { cwd: join(testdata, name) })) {
        if (written.has(file)) continue;
        if (update) rmSync(join(testdata, name, file));
        else assert.fail(`${name}/${file} belongs to no output; UPDATE_GOLDEN=1 prunes it`);
      }
    });
  }
});
