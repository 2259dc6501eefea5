// VirtualService.spec.http[].redirect → envoy.config.route.v3.RedirectAction
import { create } from "@bufbuild/protobuf";
import {
  RedirectAction_RedirectResponseCode as Code,
  type RedirectAction,
  RedirectActionSchema,
} from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { HttpRedirect } from "../../config/virtual-service/http-redirect.ts";

const codes: Record<number, Code> = {
  301: Code.MOVED_PERMANENTLY,
  302: Code.FOUND,
  303: Code.SEE_OTHER,
  307: Code.TEMPORARY_REDIRECT,
  308: Code.PERMANENT_REDIRECT,
};

/** Istio's word for "keep what followed the prefix". */
const keepRest = "%PREFIX()%";

/** @param listenerPort port the request came in on, for `derivePort: FROM_REQUEST_PORT` */
export function buildRedirect(redirect: HttpRedirect, listenerPort: number): RedirectAction {
  const out = create(RedirectActionSchema, {
    hostRedirect: redirect.authority ?? "",
    responseCode: codes[redirect.redirectCode ?? 301] ?? Code.MOVED_PERMANENTLY,
  });
  if (redirect.scheme !== undefined) out.schemeRewriteSpecifier = { case: "schemeRedirect", value: redirect.scheme };
  const port = redirect.port ?? (redirect.derivePort === "FROM_REQUEST_PORT" ? listenerPort : 0);
  // A scheme's own port is left out of the Location; sidecars take requests in plaintext.
  if (port !== ((redirect.scheme ?? "http") === "https" ? 443 : 80)) out.portRedirect = port;
  if (redirect.prefixRewrite) out.pathRewriteSpecifier = { case: "prefixRewrite", value: redirect.prefixRewrite };
  else if (redirect.uri?.startsWith(keepRest)) {
    out.pathRewriteSpecifier = { case: "prefixRewrite", value: redirect.uri.slice(keepRest.length) };
  } else if (redirect.uri) out.pathRewriteSpecifier = { case: "pathRedirect", value: redirect.uri };
  return out;
}
