// ConsistentHashLB: the same client to the same endpoint (istio.networking.v1alpha3.LoadBalancerSettings.ConsistentHashLB).
import { utf8 } from "../../kernel/bytes.ts";
import { duration } from "../duration.ts";
import { atMostOne, bool, integer, list, object, type Rule, type SpecOf, string } from "../schema.ts";
import { headerName, isHeaderName } from "../virtual-service/header-name.ts";
import { notEmpty, notNegativeDuration } from "./bounds.ts";

/** Largest ring Envoy builds (envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash.minimum_ring_size). */
const largestRing = 8_388_608;

/** Largest table Envoy builds (envoy.extensions.load_balancing_policies.maglev.v3.Maglev.table_size). */
const largestTable = 5_000_011;

const ringFits: Rule<number> = {
  message: `must be at most ${largestRing}`,
  test: (size) => size <= largestRing,
};

const tableFits: Rule<number> = {
  message: `must be a prime number of at most ${largestTable}`,
  test: (size) => size <= largestTable && isPrime(size),
};

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
}

const cookieName: Rule<string> = {
  message: "must be the name of a cookie",
  test: isHeaderName, // cookie names are tokens too (RFC 6265 section 4.1.1)
};

const cookieValue: Rule<string> = {
  message: "must not hold ';' or control characters",
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not pass (RFC 6265 section 4.1.1)
  test: (text) => !/[;\u0000-\u001f\u007f]/.test(text),
};

/** Longest value of an attribute that Envoy sets, bytes (envoy.config.route.v3.RouteAction.HashPolicy.CookieAttribute). */
const longestValueBytes = 16_384;

const valueFits: Rule<string> = {
  message: `must be at most ${longestValueBytes} bytes long`,
  test: (text) => utf8(text).length <= longestValueBytes,
};

const ringSize = (options: { description: string; deprecated?: boolean }) =>
  integer("int64", { minimum: 0, default: 1024, ...options, rules: [ringFits] });

const httpCookie = object(
  {
    name: string({ description: "Name of the cookie.", rules: [cookieName] }),
    path: string({ description: "Path the cookie is set for.", rules: [cookieValue] }),
    ttl: duration({
      description:
        "Life of the cookie, which is set where a request has none; 0s for a session cookie. Without it, a missing cookie is not set.",
      rules: [notNegativeDuration],
    }),
    attributes: list(
      object(
        {
          name: string({ description: "Name of the attribute, such as SameSite.", rules: [cookieName] }),
          value: string({ description: "Value of the attribute.", rules: [cookieValue, valueFits] }),
        },
        { description: "An attribute of the cookie.", required: ["name"] },
      ),
      { description: "Further attributes of a cookie that is set." },
    ),
  },
  { description: "Hash of a cookie.", required: ["name"] },
);

export const consistentHashSchema = object(
  {
    httpHeaderName: string({ description: "Hash of the header of this name.", rules: [headerName] }),
    httpCookie,
    useSourceIp: bool({ description: "Hash of the client's IP address.", default: false }),
    httpQueryParameterName: string({ description: "Hash of the query parameter of this name.", rules: [notEmpty] }),
    ringHash: object(
      {
        minimumRingSize: ringSize({ description: "Least number of places on the ring; more spread the load better." }),
      },
      { description: "Places endpoints on a ring; the default algorithm." },
    ),
    maglev: object(
      {
        tableSize: integer("int64", {
          description: "Size of the table, a prime number; larger tables spread the load better.",
          minimum: 0,
          default: 65_537,
          rules: [tableFits],
        }),
      },
      { description: "Places endpoints in a Maglev table: faster lookups, more change when endpoints come and go." },
    ),
    minimumRingSize: ringSize({
      description: "Least number of places on the ring; use ringHash.minimumRingSize instead.",
      deprecated: true,
    }),
  },
  {
    description: "Sends equal keys to the same endpoint, as long as the endpoints stay.",
    rules: [
      atMostOne("httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"),
      atMostOne("ringHash", "maglev"),
    ],
  },
);

export type ConsistentHash = SpecOf<typeof consistentHashSchema>;
