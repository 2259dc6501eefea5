// VirtualService.spec.http[].rewrite → envoy.config.route.v3.RouteAction.prefix_rewrite, regex_rewrite, host_rewrite_literal
import { create } from "@bufbuild/protobuf";
import { type RouteAction, RouteActionSchema } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { HttpMatch } from "../../config/virtual-service/http-match.ts";
import type { HttpRewrite } from "../../config/virtual-service/http-rewrite.ts";

/** @param match the match of the route that is built; a rewrite replaces what it found */
export function applyRewrite(
  action: RouteAction,
  rewrite: HttpRewrite | undefined,
  match: HttpMatch | undefined,
): void {
  if (rewrite === undefined) return;
  if (rewrite.authority) action.hostRewriteSpecifier = { case: "hostRewriteLiteral", value: rewrite.authority };
  const regex = rewrite.uriRegexRewrite;
  if (regex?.match !== undefined) {
    setRegex(action, regex.match, regex.rewrite ?? "");
    return;
  }
  if (!rewrite.uri) return;
  const prefix = match?.uri?.prefix;
  if (rewrite.uri === "/" && prefix !== undefined && !prefix.endsWith("/")) {
    // `/shop` → `/` must turn `/shop/cart` into `/cart`, not `//cart`, and `/shopping` into `/ping` as a prefix does.
    const flags = match?.ignoreUriCase === true ? "(?i)" : "";
    setRegex(action, `${flags}^${escapeRe2(prefix)}(/?)(.*)`, "/\\2");
    return;
  }
  action.prefixRewrite = rewrite.uri;
}

function setRegex(action: RouteAction, regex: string, substitution: string): void {
  action.regexRewrite = create(RouteActionSchema, { regexRewrite: { pattern: { regex }, substitution } }).regexRewrite;
}

/** Every character of the text stands for itself in RE2. */
export function escapeRe2(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
