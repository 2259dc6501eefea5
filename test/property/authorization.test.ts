// Policies decide as Istio documents them, on whatever they are asked.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { authorizationPolicyKind } from "../../src/config/authorization-policy/authorization-policy.ts";
import { validateObject } from "../../src/config/validate.ts";
import { referenceVerdict } from "../unit/authorization-reference.fake.ts";
import { letsIn, mesh, proxyOf, workload } from "../unit/authorization-world.fake.ts";
import { randomCall, randomPolicies, randomPolicy } from "../unit/random-policies.fake.ts";

describe("AuthorizationPolicies", () => {
  it("decide as the reference does, for random policies and calls", () => {
    let decisions = 0;
    let refused = 0;
    fc.assert(
      fc.property(randomPolicies, fc.array(randomCall, { minLength: 12, maxLength: 20 }), (held, calls) => {
        const view = proxyOf(held);
        for (const one of calls) {
          const expected = referenceVerdict(held, workload, one, mesh);
          decisions += 1;
          if (!expected) refused += 1;
          assert.equal(letsIn(view, one), expected, JSON.stringify(one));
        }
      }),
      { numRuns: 300 },
    );
    // Else the generators would prove little.
    assert.ok(
      decisions > 3000 && refused > decisions / 5 && refused < (decisions * 4) / 5,
      `${refused} of ${decisions}`,
    );
  });

  it("of the random kind are ones that authors may write", () => {
    fc.assert(
      fc.property(randomPolicy, ({ name, namespace, spec }) => {
        const object = {
          apiVersion: "security.istio.io/v1",
          kind: "AuthorizationPolicy",
          metadata: { name, namespace },
          spec,
        };
        const errors = validateObject(authorizationPolicyKind, object).filter(({ severity }) => severity === "error");
        assert.deepEqual(errors, []);
      }),
      { numRuns: 200 },
    );
  });
});
