import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kind } from "../kind.ts";
import { kinds } from "../kinds.ts";
import { serviceEntryKind } from "../service-entry/service-entry.ts";
import { workloadGroupKind } from "../workload-group/workload-group.ts";
import { explain, explainMeshConfig, type FieldExplanation } from "./explain.ts";
import { pendingFields, pendingMeshConfigFields } from "./pending-fields.ts";

function fieldOf(kind: Kind<never>, path: string): FieldExplanation {
  const found = explain(kind as Kind, path);
  assert.ok(!("unknown" in found), path);
  return found;
}

test("a field is explained with type, words, default and children", () => {
  const resolution = fieldOf(serviceEntryKind, "spec.resolution");
  assert.equal(resolution.type, "<string>");
  assert.deepEqual(resolution.enum, ["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"]);
  assert.equal(resolution.default, "NONE");
  const ports = fieldOf(serviceEntryKind, "spec.ports");
  assert.equal(ports.type, "<[]Object>");
  assert.deepEqual(
    ports.children.map(({ name, type, required }) => [name, type, required]),
    [
      ["number", "<integer>", true],
      ["protocol", "<string>", false],
      ["name", "<string>", true],
      ["targetPort", "<integer>", false],
    ],
  );
  assert.equal(fieldOf(serviceEntryKind, "spec.hosts").required, true);
  assert.equal(fieldOf(serviceEntryKind, "spec.endpoints.ports").type, "<map[string]integer>");
  assert.equal(fieldOf(serviceEntryKind, "metadata.labels").type, "<map[string]string>");
  assert.equal(fieldOf(workloadGroupKind, "spec.probe.httpGet.httpHeaders").type, "<[]Object>");
});

test("the kind may stand first by any of its words, and indexes are ignored", () => {
  for (const path of [
    "ServiceEntry.spec.ports.number",
    "se.spec.ports.number",
    "spec.ports[0].number",
    "spec.ports[].number",
  ]) {
    assert.equal(fieldOf(serviceEntryKind, path).path, "ServiceEntry.spec.ports.number");
  }
  assert.deepEqual(
    fieldOf(serviceEntryKind, "").children.map(({ name }) => name),
    ["apiVersion", "kind", "metadata", "spec", "status"],
  );
});

test("an unknown field is answered with where it got lost and what was meant", () => {
  assert.deepEqual(explain(serviceEntryKind as Kind, "spec.ports.nmber"), {
    unknown: "nmber",
    parent: "ServiceEntry.spec.ports",
    nearest: "number",
    known: ["number", "protocol", "name", "targetPort"],
  });
  for (const path of ["constructor", "spec.toString", "spec.hosts.x", "spec.__proto__"]) {
    assert.ok("unknown" in explain(serviceEntryKind as Kind, path), path);
  }
});

test("what belongs to a pending field is pending", () => {
  assert.equal(fieldOf(workloadGroupKind, "spec.probe").pending, true);
  assert.equal(fieldOf(workloadGroupKind, "spec.probe.grpc.port").pending, true);
  assert.ok(fieldOf(workloadGroupKind, "spec.probe.grpc").children.every((child) => child.pending));
  assert.equal(fieldOf(workloadGroupKind, "spec.template").pending, false);
});

test("the pending fields are exactly those that are marked", () => {
  assert.deepEqual(pendingFields([workloadGroupKind as Kind, serviceEntryKind as Kind]), [
    "WorkloadGroup.spec.template.network",
    "WorkloadGroup.spec.probe",
    "ServiceEntry.spec.endpoints[].network",
  ]);
  assert.ok(pendingMeshConfigFields().includes("MeshConfig.meshMTLS.cipherSuites"));
  assert.ok(!pendingMeshConfigFields().includes("MeshConfig.trustDomain"));
});

test("MeshConfig is explained too", () => {
  const found = explainMeshConfig("MeshConfig.outboundTrafficPolicy.mode");
  assert.ok(!("unknown" in found));
  assert.equal(found.default, "ALLOW_ANY");
});

test("every field of every kind explains itself in a sentence", () => {
  const visit = (kind: Kind, path: string): number => {
    const field = fieldOf(kind, path);
    assert.match(field.description, /[.)]$/, `${kind.kind} ${path}: ${field.description}`);
    return field.children.reduce(
      (count, child) => count + visit(kind, path === "" ? child.name : `${path}.${child.name}`),
      1,
    );
  };
  for (const kind of kinds) assert.ok(visit(kind, "") > 10, kind.kind);
  const mesh = (path: string): void => {
    const field = explainMeshConfig(path);
    assert.ok(!("unknown" in field));
    assert.match(field.description, /\.$/, `MeshConfig ${path}`);
    for (const child of field.children) mesh(path === "" ? child.name : `${path}.${child.name}`);
  };
  mesh("");
});
