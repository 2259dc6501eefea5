import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buildRetryPolicy } from "./retry-policy.ts";

const avoidsPreviousHosts = (...args: Parameters<typeof buildRetryPolicy>): boolean =>
  (buildRetryPolicy(...args)?.retryHostPredicate.length ?? 0) > 0;

describe("a retry", () => {
  it("avoids the endpoints that failed, unless a hash chose them", () => {
    assert.deepEqual([avoidsPreviousHosts(undefined, false), avoidsPreviousHosts(undefined, true)], [true, false]);
  });

  it("does what retryIgnorePreviousHosts says in either case", () => {
    for (const sticky of [false, true]) {
      for (const retryIgnorePreviousHosts of [false, true]) {
        const retries = { attempts: 2, retryIgnorePreviousHosts };
        assert.equal(avoidsPreviousHosts(retries, sticky), retryIgnorePreviousHosts);
      }
    }
  });
});
