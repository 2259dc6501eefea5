import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outlineOf, problemsOf, smallKindSuite } from "../small-kind.suite.ts";
import { workloadEntryKind } from "./workload-entry.ts";

const machine = {
  address: "10.0.0.1",
  ports: { http: 8080, "grpc-a": 9090 },
  labels: { app: "reviews", "app.kubernetes.io/version": "v1" },
  network: "vm",
  locality: "eu/eu-1/a",
  weight: 1,
  serviceAccount: "reviews",
};

smallKindSuite(workloadEntryKind, [machine], ["network"]);

function found(spec: object): string[] {
  return outlineOf(problemsOf(workloadEntryKind, spec));
}

describe("WorkloadEntry", () => {
  it("takes addresses of every form", () => {
    for (const address of ["10.0.0.1", "2001:db8::1", "vm.example.com", "unix:///run/app.sock"]) {
      assert.deepEqual(found({ address }), [], address);
    }
  });

  it("needs an address or a network", () => {
    assert.deepEqual(found({}), ["error LAT1007 spec.address"]);
    assert.deepEqual(found({ network: "vm" }), ["warning LAT1010 spec.network"]);
  });

  it("refuses labels that no selector can name, and identities that no SPIFFE ID can hold", () => {
    const address = "10.0.0.1";
    assert.deepEqual(found({ address, labels: { "a b": "c" } }), ['error LAT1007 spec.labels["a b"]']);
    assert.deepEqual(found({ address, labels: { a: "b c" } }), ["error LAT1007 spec.labels.a"]);
    for (const serviceAccount of ["a/b", "..", "a b", "%2e", "ü"]) {
      assert.deepEqual(found({ address, serviceAccount }), ["error LAT1007 spec.serviceAccount"], serviceAccount);
    }
    assert.deepEqual(found({ address, serviceAccount: "" }), []);
    assert.deepEqual(found({ address, locality: "a/b/c/d" }), ["warning LAT1007 spec.locality"]);
  });
});
