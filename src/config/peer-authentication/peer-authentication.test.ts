import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outlineOf, problemsOf, smallKindSuite } from "../small-kind.suite.ts";
import { peerAuthenticationKind } from "./peer-authentication.ts";

const strict = {
  selector: { matchLabels: { app: "reviews" } },
  mtls: { mode: "STRICT" },
  portLevelMtls: { "8080": { mode: "PERMISSIVE" } },
};

smallKindSuite(peerAuthenticationKind, [strict], []);

describe("PeerAuthentication", () => {
  it("takes ports only for selected workloads, and only ports", () => {
    const found = (spec: object) => outlineOf(problemsOf(peerAuthenticationKind, spec));
    const portLevelMtls = strict.portLevelMtls;
    assert.deepEqual(found({}), []);
    assert.deepEqual(found({ portLevelMtls }), ["error LAT1007 spec.portLevelMtls"]);
    assert.deepEqual(found({ ...strict, portLevelMtls: { http: {} } }), ["error LAT1007 spec.portLevelMtls"]);
    assert.deepEqual(found({ ...strict, portLevelMtls: { "65536": {} } }), ["error LAT1007 spec.portLevelMtls"]);
  });
});
