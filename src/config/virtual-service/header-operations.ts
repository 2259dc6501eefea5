// Headers: what is set, added and removed on the way (istio.networking.v1alpha3.Headers).
import { list, map, object, type SpecOf, string } from "../schema.ts";
import { type At, broken, type Report } from "./finding.ts";
import { isHeaderFormat } from "./header-format.ts";
import { isAuthorityHeader, isHeaderName } from "./header-name.ts";

const operations = (what: string) =>
  object(
    {
      set: map(string({ description: "The new value." }), {
        description: `Headers of the ${what} to overwrite; values may hold Envoy's command operators, a literal % is written %%.`,
      }),
      add: map(string({ description: "The value to append." }), {
        description: `Headers of the ${what} to append to, leaving what is there.`,
      }),
      remove: list(string({ description: "Name of a header." }), { description: `Headers of the ${what} to drop.` }),
    },
    { description: `Changes to headers of the ${what}.` },
  );

export function headers(description: string) {
  return object(
    {
      request: operations("request before it is forwarded"),
      response: operations("response before it is returned"),
    },
    { description },
  );
}

export type Headers = SpecOf<ReturnType<typeof headers>>;
export type HeaderOperations = NonNullable<Headers["request"]>;

/** Names and values, and that the authority is changed at most once, `rewritesAuthority` included. */
export function checkHeaders(headers: Headers | undefined, at: At, report: Report, rewritesAuthority = false): void {
  let authorityChanges = rewritesAuthority ? 1 : 0;
  for (const direction of ["request", "response"] as const) {
    const operations = headers?.[direction];
    for (const verb of ["set", "add"] as const) {
      for (const [name, value] of Object.entries(operations?.[verb] ?? {})) {
        const here = [...at, direction, verb, name];
        const isAuthority = direction === "request" && isAuthorityHeader(name);
        if (!isAuthority) checkName(name, here, report);
        else if (++authorityChanges > 1) report(broken(here, "the authority is rewritten more than once"));
        if (!isHeaderFormat(value)) {
          report(
            broken(
              here,
              "is not a value Envoy can format",
              "Write a literal % as %%, use operators such as %REQ(name)% only, and leave out line breaks.",
            ),
          );
        }
      }
    }
    for (const [index, name] of (operations?.remove ?? []).entries()) {
      checkName(name, [...at, direction, "remove", index], report);
    }
  }
}

/** Envoy refuses to touch pseudo-headers and Host this way. */
function checkName(name: string, at: At, report: Report): void {
  if (isAuthorityHeader(name)) report(broken(at, `header ${name} cannot be changed here`));
  else if (!isHeaderName(name)) report(broken(at, "is not the name of an HTTP header"));
}
