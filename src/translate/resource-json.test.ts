import assert from "node:assert/strict";
import { test } from "node:test";
import { typeUrls } from "../xds/type-url.ts";
import { goldenCases, openCase, readCase } from "./golden-case.fake.ts";
import { resourceAsJson } from "./resource-json.ts";

const types = [typeUrls.cluster, typeUrls.endpoint, typeUrls.listener, typeUrls.route, typeUrls.nameTable];

test("every resource of every golden case can be shown, whatever extensions are in it", () => {
  let shown = 0;
  for (const name of goldenCases()) {
    const { view } = openCase(readCase(name).input);
    for (const typeUrl of types) {
      for (const resource of view.resources(typeUrl).values()) {
        const json = resourceAsJson(resource) as Record<string, unknown>;
        assert.equal(json["@type"], typeUrl);
        assert.equal("bytes" in json, false, `${name} ${resource.name}: ${json["unreadable"]}`);
        shown += 1;
      }
    }
  }
  assert.ok(shown > 100, `${shown}`);
});

test("what cannot be read is shown as bytes, and says why", () => {
  const odd = { name: "x", version: "1", body: Uint8Array.of(10, 200), sources: [] };
  const known = resourceAsJson({ ...odd, typeUrl: typeUrls.cluster }) as Record<string, unknown>;
  assert.equal(known["bytes"], "Csg=");
  assert.equal(typeof known["unreadable"], "string");
  assert.deepEqual(resourceAsJson({ ...odd, typeUrl: "type.googleapis.com/no.such" }), {
    "@type": "type.googleapis.com/no.such",
    bytes: "Csg=",
  });
});
