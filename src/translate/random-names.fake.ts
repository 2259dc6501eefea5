// The few names of a random mesh: few, so that histories meet themselves again.
import fc from "fast-check";

export const namespaces = ["shop", "data", "istio-system"] as const;
const apps = ["web", "api"];
export const versions = ["v1", "v2"];
/** Relative and full names, a short form, wildcards, other spellings, and hosts that several namespaces define. */
const hosts = [
  "web",
  "api",
  "web.shop.svc.cluster.local",
  "api.data.svc.cluster.local",
  "Web.Data.svc.cluster.local",
  "web.shop",
  "pay.example.com",
  "*.example.com",
];
/** Hosts that nothing resolves by itself: those that DNS can be asked for. */
const namedHosts = ["web.shop.svc.cluster.local", "api.data.svc.cluster.local", "pay.example.com"];
/** Addresses of machines, in one spelling and another. */
const addresses = ["198.18.0.1", "198.18.0.2", "198.18.0.3", "2001:db8:1::3", "2001:DB8:1:0::3"];

export const some = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** Undefined once in `one + 1` times. */
export const maybe = <T>(value: fc.Arbitrary<T>, one = 1): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: one + 1 });
/** Undefined in most cases: fields that histories need now and then. */
export const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.integer({ min: 0, max: 5 }).chain((die) => (die === 5 ? value : fc.constant(undefined)));

export const namespace = some(...namespaces);
export const host = some(...hosts);
export const namedHost = some(...namedHosts);
export const address = some(...addresses);
export const version = some(...versions);
export const portNumber = some(80, 8080, 5432, 443);
export const labels = fc.record({ app: some(...apps), version }, { requiredKeys: [] });
export const appLabels = fc.record({ app: some(...apps) });
/** What rules ask callers for; `tier` is a label that no other kind asks for. */
export const callerLabels = some<Record<string, string>>({ app: "web" }, { app: "api" }, { tier: "gold" }, {});
export const exportTo = some<string[] | undefined>(undefined, undefined, ["*"], ["."], ["shop"], ["data", "shop"]);

/** Fields that are not there are not there, as in decoded objects. */
export function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, withoutUndefined(field)]),
  );
}
