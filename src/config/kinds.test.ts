import assert from "node:assert/strict";
import { test } from "node:test";
import { kindByGvk, kindByName, kindByResource, kinds } from "./kinds.ts";

test("a kind is found by every word that people use, in any case", () => {
  for (const word of [
    "VirtualService",
    "virtualservices",
    "virtualservice",
    "vs",
    "VS",
    "virtualservice.networking.istio.io",
    "virtualservices.v1beta1.networking.istio.io",
  ]) {
    assert.equal(kindByName(word)?.kind, "VirtualService", word);
  }
  assert.equal(kindByName("ns")?.kind, "Namespace");
  for (const word of ["", "pods", "vs.security.istio.io", "virtualservices.v9.networking.istio.io", "constructor"]) {
    assert.equal(kindByName(word), undefined, word);
  }
});

test("no two kinds share a word or a resource", () => {
  const words = kinds.flatMap((kind) => [
    ...new Set([kind.kind.toLowerCase(), kind.plural, kind.singular, ...kind.shortNames]),
  ]);
  assert.equal(new Set(words).size, words.length);
});

test("a kind is found by each version it serves, and by no other", () => {
  assert.equal(kindByGvk("networking.istio.io/v1alpha3", "ServiceEntry")?.kind, "ServiceEntry");
  assert.equal(kindByGvk("v1", "Namespace")?.kind, "Namespace");
  assert.equal(kindByGvk("security.istio.io/v1alpha3", "PeerAuthentication"), undefined);
  assert.equal(kindByGvk("networking.istio.io/v1", "serviceentry"), undefined);
  assert.equal(kindByResource("", "v1", "namespaces")?.kind, "Namespace");
  assert.equal(kindByResource("security.istio.io", "v1beta1", "authorizationpolicies")?.kind, "AuthorizationPolicy");
  assert.equal(kindByResource("security.istio.io", "v1", "namespaces"), undefined);
});

test("every kind describes itself and starts its columns as kubectl prints them", () => {
  for (const kind of kinds) {
    assert.ok(kind.description.endsWith("."), kind.kind);
    assert.ok(
      kind.columns.some((column) => column.name === "Age" && column.type === "date"),
      kind.kind,
    );
    for (const column of kind.columns) assert.match(column.jsonPath, /^\.(spec|status|metadata)\./, kind.kind);
  }
});
