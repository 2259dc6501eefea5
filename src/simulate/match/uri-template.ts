// envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig
import type { TypedExtensionConfig } from "../../../gen/envoy/config/core/v3/extension_pb.ts";
import { UriTemplateMatchConfigSchema } from "../../../gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts";
import { simulateErrors } from "../errors.ts";
import { unpackAs } from "../known-fields.ts";
import { matchesWhole } from "../regex/regex.ts";
import { pathOnly } from "./path-matcher.ts";

/** Characters that Envoy's `*` takes: RFC 3986 pchar without `*`. */
const segment = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=]";
const anySegments = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=/]*";

/** @throws LateenError LAT2201 for templates with variables, and for other matchers */
export function matchesUriTemplate(config: TypedExtensionConfig, path: string): boolean {
  const { pathTemplate } = unpackAs(UriTemplateMatchConfigSchema, config.typedConfig, config.name);
  if (/[{}]/.test(pathTemplate)) throw simulateErrors.cannotSimulate(`cannot simulate the template ${pathTemplate}`);
  const pattern = pathTemplate
    .split("/")
    .map((part) => {
      if (part === "**") return anySegments;
      return part === "*" ? `${segment}+` : part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    })
    .join("/");
  return matchesWhole(pattern, pathOnly(path));
}
