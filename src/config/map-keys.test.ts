import assert from "node:assert/strict";
import { it } from "node:test";
import { peerAuthenticationKind } from "./peer-authentication/peer-authentication.ts";
import { validateObject } from "./validate.ts";

it("a map key with a line break does not slip past the schema of the values", () => {
  const object = {
    apiVersion: "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: { name: "a", namespace: "b" },
    spec: { selector: { matchLabels: { "a\nb": 5 } } },
  };
  const [problem] = validateObject(peerAuthenticationKind, object);
  assert.equal(problem?.code, "LAT1003");
  assert.equal(problem?.path, 'spec.selector.matchLabels["a\\nb"]');
});
