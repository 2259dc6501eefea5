import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fieldLine } from "./field-line.ts";

test("finds the line of a field in the document of its object", () => {
  const folder = mkdtempSync(join(tmpdir(), "lateen-line-"));
  const file = join(folder, "a.yaml");
  const object = (name: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec:
  hosts: [${name}.example]
  http:
    - route:
        - destination: {host: b.example}
`;
  writeFileSync(file, `${object("a")}---\n${object("b")}`);
  const path = "spec.http[0].route[0].destination.host";
  try {
    assert.equal(fieldLine({ file, line: 1 }, path), 8);
    assert.equal(fieldLine({ file, line: 10 }, path), 17);
    assert.equal(fieldLine({ file, line: 10 }, "spec.hosts"), 14);
    assert.equal(fieldLine({ file, line: 3 }, path), undefined);
    assert.equal(fieldLine({ file: join(folder, "gone.yaml"), line: 1 }, path), undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
