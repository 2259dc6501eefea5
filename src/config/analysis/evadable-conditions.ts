// Conditions of policies that a caller gets around by another spelling, where the spelling that is not foreseen is let in.
import { configCodes } from "../errors.ts";
import { formatPath } from "../field-path.ts";
import { defineCheckOfEach } from "./check.ts";
import type { PathNormalization } from "./settings.ts";

/** What a caller may write in place of `/admin` so that many applications take it for that; and proxies leave as it is. */
const otherPaths: Readonly<Record<PathNormalization, string | undefined>> = {
  NONE: '"//admin", "/x/../admin" or "/x/..%2fadmin"',
  BASE: '"//admin" or "/x/..%2fadmin"',
  MERGE_SLASHES: '"/x/..%2fadmin"',
  DECODE_AND_MERGE_SLASHES: undefined,
};

export const evadableConditions = defineCheckOfEach({
  of: "authorizationPolicies",
  reads: [],
  find(on, _, { settings, report }) {
    const { action = "ALLOW", rules = [] } = on.object.spec ?? {};
    if (action === "AUDIT") return;
    // What no DENY takes is let in, and so is what no exception of an ALLOW takes.
    const [hosts, paths] = action === "ALLOW" ? (["notHosts", "notPaths"] as const) : (["hosts", "paths"] as const);
    const instead = action === "ALLOW" ? `List what is let in, without ${hosts} and ${paths}` : insteadOfDeny;
    for (const [ruleAt, { to = [] }] of rules.entries()) {
      for (const [toAt, { operation }] of to.entries()) {
        const find = (field: string, message: string, remedy: string): void =>
          report({
            on,
            code: configCodes.evadable,
            path: formatPath(["spec", "rules", ruleAt, "to", toAt, "operation", field]),
            message,
            remedy,
          });
        if ((operation?.[hosts] ?? []).some((host) => host !== "*")) {
          find(hosts, 'callers write any Host they like, such as "HOST:80", "HOST." or a short name', `${instead}.`);
        }
        const others = otherPaths[settings.pathNormalization];
        if (others !== undefined && (operation?.[paths] ?? []).some(hasOtherSpellings)) {
          const remedy = `${instead}, or set pathNormalization to DECODE_AND_MERGE_SLASHES.`;
          find(paths, `callers may write a path otherwise, ${others} for "/admin"`, remedy);
        }
      }
    }
  },
});

const insteadOfDeny =
  "Let in what may come (ALLOW), or deny by source or port, which callers cannot choose the spelling of";

/** False for patterns that take every path, and for ends of names. */
function hasOtherSpellings(path: string): boolean {
  if (path === "/*" || path === "/{**}") return false;
  return !path.startsWith("*") || path.includes("/");
}
