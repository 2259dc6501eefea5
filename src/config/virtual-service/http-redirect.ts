// HTTPRedirect: the answer that sends a client elsewhere (istio.networking.v1alpha3.HTTPRedirect).
import { atMostOne, integer, object, oneOfStrings, type Rule, type SpecOf, string } from "../schema.ts";
import { portNumber } from "./port.ts";

const knownScheme: Rule<string> = {
  message: "must be http or https",
  test: (scheme) => scheme === "http" || scheme === "https",
};

/** The codes Envoy can answer (envoy.config.route.v3.RedirectAction.RedirectResponseCode). */
const redirectCodes = [301, 302, 303, 307, 308];

const knownCode: Rule<number> = {
  message: `must be one of ${redirectCodes.join(", ")}`,
  test: (code) => redirectCodes.includes(code),
};

const changesSomething: Rule<Record<string, unknown>> = {
  message: "a redirect needs at least one of uri, prefixRewrite, authority, scheme, port, derivePort",
  test: (redirect) =>
    ["uri", "prefixRewrite", "authority", "scheme", "port", "derivePort"].some(
      (field) => redirect[field] !== undefined && redirect[field] !== "",
    ),
};

const onePathForm: Rule<{ uri?: string; prefixRewrite?: string }> = {
  message: "uri and prefixRewrite cannot be combined",
  at: "prefixRewrite",
  test: ({ uri = "", prefixRewrite = "" }) => uri === "" || prefixRewrite === "",
};

export const httpRedirectSchema = object(
  {
    uri: string({
      description:
        "New path and query; the whole path is replaced. %PREFIX()% at its front keeps what followed a prefix match.",
    }),
    prefixRewrite: string({ description: "Replaces only the part of the path that a prefix match found." }),
    authority: string({ description: "New authority (Host); the request's own where absent." }),
    port: portNumber({ description: "New port in the Location." }),
    derivePort: oneOfStrings(["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"], {
      description:
        "Where the port comes from if it is not given: 80 or 443 by the new scheme, or the port of the request.",
      default: "FROM_PROTOCOL_DEFAULT",
    }),
    scheme: string({
      description: "New scheme, http or https; the request's own where absent.",
      rules: [knownScheme],
    }),
    redirectCode: integer("uint32", {
      description: "Status of the answer: 301, 302, 303, 307 or 308.",
      default: 301,
      rules: [knownCode],
    }),
  },
  {
    description: "Answers the request with a redirect instead of forwarding it.",
    rules: [atMostOne("port", "derivePort"), changesSomething, onePathForm],
  },
);

export type HttpRedirect = SpecOf<typeof httpRedirectSchema>;
