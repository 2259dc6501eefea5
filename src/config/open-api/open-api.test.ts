import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kind } from "../kind.ts";
import { kinds } from "../kinds.ts";
import { crdOf } from "./custom-resource-definition.ts";
import { openApiSchema } from "./open-api-schema.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

function kindNamed(name: string): Kind {
  const kind = kinds.find((known) => known.kind === name);
  assert.ok(kind !== undefined);
  return kind;
}

function at(schema: StructuralSchema, ...path: string[]): StructuralSchema {
  let node = schema;
  for (const step of path) {
    const next = step === "[]" ? node.items : step === "{}" ? node.additionalProperties : node.properties?.[step];
    assert.ok(next !== undefined, path.join("."));
    node = next;
  }
  return node;
}

/** Keywords that apiextensions.k8s.io/v1 JSONSchemaProps has, of those a schema of ours can use. */
const allowed = new Set([
  ...["type", "description", "properties", "additionalProperties", "items", "required", "enum", "format", "pattern"],
  ...["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"],
  ...["x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-preserve-unknown-fields"],
]);

test("every schema is structural: typed everywhere, fields or map values but not both, no keyword of ours", () => {
  const visit = (node: StructuralSchema, path: string): void => {
    for (const keyword of Object.keys(node)) assert.ok(allowed.has(keyword), `${path}: ${keyword}`);
    assert.ok(node.type !== undefined || node["x-kubernetes-preserve-unknown-fields"] === true, `${path} has no type`);
    assert.ok(node.properties === undefined || node.additionalProperties === undefined, path);
    assert.equal(node.items !== undefined, node.type === "array", path);
    for (const name of node.required ?? [])
      assert.ok(node.properties?.[name] !== undefined, `${path} requires ${name}`);
    for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, `${path}.${name}`);
    if (node.items !== undefined) visit(node.items, `${path}[]`);
    if (node.additionalProperties !== undefined) visit(node.additionalProperties, `${path}{}`);
  };
  for (const kind of kinds) visit(structuralSchema(kind), kind.kind);
});

test("bounds, words, maps and required fields are kept", () => {
  const spec = at(structuralSchema(kindNamed("ServiceEntry")), "spec");
  assert.deepEqual(spec.required, ["hosts"]);
  assert.deepEqual([at(spec, "hosts").minItems, at(spec, "hosts").maxItems], [1, 256]);
  assert.deepEqual(at(spec, "location").enum, ["MESH_EXTERNAL", "MESH_INTERNAL"]);
  const port = at(spec, "ports", "[]", "number");
  assert.deepEqual([port.type, port.minimum, port.maximum, port.format], ["integer", 0, 4294967295, undefined]);
  assert.equal(at(spec, "endpoints", "[]", "ports", "{}").type, "integer");
  assert.deepEqual(at(spec, "ports")["x-kubernetes-list-map-keys"], ["name"]);
  const probe = at(structuralSchema(kindNamed("WorkloadGroup")), "spec", "probe");
  const { format, minimum, maximum } = at(probe, "periodSeconds");
  assert.deepEqual([format, minimum, maximum], ["int32", 0, undefined]);
  assert.equal(at(probe, "httpGet", "httpHeaders", "[]", "name").pattern, "^[-_A-Za-z0-9]+$");
});

test("defaults and what is not carried out are told in the description", () => {
  const spec = at(structuralSchema(kindNamed("ServiceEntry")), "spec");
  assert.match(at(spec, "resolution").description ?? "", /Default: NONE\.$/);
  assert.match(at(spec, "endpoints", "[]", "network").description ?? "", /do not act on it yet\.$/);
});

test("OpenAPI names group, version and kind, and describes the envelope", () => {
  const kind = kindNamed("PeerAuthentication");
  const schema = openApiSchema(kind, "v1beta1");
  assert.deepEqual(schema["x-kubernetes-group-version-kind"], [
    { group: "security.istio.io", version: "v1beta1", kind: "PeerAuthentication" },
  ]);
  assert.deepEqual(Object.keys(schema.properties), ["apiVersion", "kind", "metadata", "spec", "status"]);
  assert.equal(openApiSchema(kind)["x-kubernetes-group-version-kind"].length, kind.versions.length);
});

test("a CustomResourceDefinition serves every version and stores one", () => {
  const crd = crdOf(kindNamed("ServiceEntry"));
  assert.equal(crd?.metadata.name, "serviceentries.networking.istio.io");
  assert.deepEqual(
    crd?.spec.versions.map(({ name, served, storage }) => [name, served, storage]),
    [
      ["v1", true, true],
      ["v1beta1", true, false],
      ["v1alpha3", true, false],
    ],
  );
  assert.deepEqual(crd?.spec.names.categories, ["istio-io", "networking-istio-io"]);
  assert.equal(crdOf(kindNamed("Namespace")), undefined);
});

test("a manifest is plain JSON", () => {
  for (const kind of kinds) {
    const crd = crdOf(kind);
    assert.deepEqual(crd === undefined ? undefined : JSON.parse(JSON.stringify(crd)), crd);
  }
});
