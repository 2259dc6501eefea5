import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fieldsOf } from "../virtual-service/schema-cases.fake.ts";
import { isConditionCarriedOut, isSourceCarriedOut, isTargetCarriedOut } from "./carried-out.ts";
import { sourceSchema } from "./source.ts";

describe("AuthorizationPolicy, as far as it is carried out", () => {
  it("knows the same sources as the schema's marks", () => {
    for (const { field, node } of fieldsOf(sourceSchema)) {
      assert.equal(isSourceCarriedOut({ [field]: ["a"] }), node.pending !== true, field);
    }
    assert.equal(isSourceCarriedOut({ principals: ["a"], remoteIpBlocks: ["10.0.0.1"] }), false);
    assert.equal(isSourceCarriedOut({ remoteIpBlocks: [] }), true);
  });

  it("knows the attributes", () => {
    for (const key of ["source.ip", "destination.port", "request.headers[x-id]"]) {
      assert.equal(isConditionCarriedOut({ key }), true, key);
    }
    for (const key of ["remote.ip", "request.auth.claims[group]", "no.such.key"]) {
      assert.equal(isConditionCarriedOut({ key }), false, key);
    }
  });

  it("knows policies for other objects", () => {
    const target = { kind: "Gateway", name: "public" };
    assert.equal(isTargetCarriedOut({}), true);
    assert.equal(isTargetCarriedOut({ targetRefs: [] }), true);
    assert.equal(isTargetCarriedOut({ targetRef: target }), false);
    assert.equal(isTargetCarriedOut({ targetRefs: [target] }), false);
  });
});
