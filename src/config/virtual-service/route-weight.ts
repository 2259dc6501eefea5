// Weights of the destinations of one rule.
import { integer, type Rule } from "../schema.ts";

/** Largest sum of weights Envoy takes (envoy.config.route.v3.WeightedCluster: uint32). */
const largestTotal = 2 ** 32 - 1;

const notNegative: Rule<number> = { message: "must be 0 or more", test: (weight) => weight >= 0 };

export function routeWeight() {
  return integer("int32", {
    description: "Share of the traffic in proportion to the sum of all weights; ignored for a single destination.",
    default: 0,
    rules: [notNegative],
  });
}

interface Weighted {
  weight?: number;
}

function total(routes: readonly Weighted[]): number {
  return routes.reduce((sum, route) => sum + (route.weight ?? 0), 0);
}

/** Rules for the list of destinations. */
export const weightRules: readonly Rule<Weighted[]>[] = [
  {
    message: "the weights of several destinations must not all be 0",
    test: (routes) => routes.length < 2 || routes.some((route) => (route.weight ?? 0) !== 0),
  },
  {
    message: `the weights must add up to ${largestTotal} at most`,
    test: (routes) => total(routes) <= largestTotal,
  },
];
