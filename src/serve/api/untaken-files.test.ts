import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import type { Problem } from "../../config/problem.ts";
import { untakenFiles } from "./untaken-files.ts";

const file = "mesh/a.yaml";
const error = (message: string, name?: string): Problem => ({
  ...{ severity: "error", code: "LAT1003", message, file, line: 1 },
  ...(name === undefined ? {} : { object: { kind: "VirtualService", namespace: "shop", name } }),
});

test("names the errors that concern what is looked at", () => {
  const folder = new Source<readonly Problem[]>(new Graph(), "files");
  const look = (kind: string, namespace = "", name = ""): string[] => untakenFiles([folder], { kind, namespace, name });
  folder.set(file, [error("of web", "web"), { ...error("a warning", "web"), severity: "warning" }]);
  const said = ["not taken: mesh/a.yaml:1: error LAT1003 VirtualService shop/web: of web"];
  assert.deepEqual(look("VirtualService"), said);
  assert.deepEqual(look("VirtualService", "shop", "web"), said);
  assert.deepEqual(look("VirtualService", "shop", "other"), []);
  assert.deepEqual(look("VirtualService", "other"), []);
  assert.deepEqual(look("ServiceEntry"), []);
});

test("an error without an object may be of any, and many are counted", () => {
  const folder = new Source<readonly Problem[]>(new Graph(), "files");
  folder.set(
    file,
    Array.from({ length: 8 }, (_, index) => error(`no YAML ${index}`)),
  );
  const said = untakenFiles([folder], { kind: "ServiceEntry", namespace: "x", name: "y" });
  assert.equal(said.length, 6);
  assert.equal(said[5], "not taken: 3 more errors in files");
});
