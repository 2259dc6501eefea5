// AuthorizationPolicy.spec.rules[].to[].operation, AuthorizationPolicy.spec.rules[].when → envoy.config.rbac.v3.Permission
import { create } from "@bufbuild/protobuf";
import { type Permission, PermissionSchema } from "../../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { UriTemplateMatchConfigSchema } from "../../../gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts";
import type { Condition } from "../../config/authorization-policy/condition.ts";
import type { Operation } from "../../config/authorization-policy/operation.ts";
import { isPathTemplate } from "../../config/authorization-policy/path-template.ts";
import { packAny } from "../any.ts";
import { buildCidrRange } from "../cidr-range.ts";
import { buildPolicyHeader } from "./policy-header.ts";
import { buildValueMatcher } from "./value-matcher.ts";

export const anyPermission: Permission = create(PermissionSchema, { rule: { case: "any", value: true } });

export function allPermissions(permissions: readonly Permission[]): Permission {
  const [only] = permissions;
  if (only === undefined) return anyPermission;
  if (permissions.length === 1) return only;
  return create(PermissionSchema, { rule: { case: "andRules", value: { rules: [...permissions] } } });
}

function anyOf(permissions: readonly Permission[]): Permission {
  const [only] = permissions;
  if (only !== undefined && permissions.length === 1) return only;
  return create(PermissionSchema, { rule: { case: "orRules", value: { rules: [...permissions] } } });
}

/** @param http false: fields of HTTP are left out, see `buildPolicies` */
export function buildOperation(operation: Operation, http: boolean): Permission {
  const parts: Permission[] = [];
  if (http) {
    add(parts, operation.hosts, operation.notHosts, (value) => headerPermission(":authority", value, true));
    add(parts, operation.methods, operation.notMethods, (value) => headerPermission(":method", value, false));
    add(parts, operation.paths, operation.notPaths, pathPermission);
  }
  add(parts, operation.ports, operation.notPorts, portPermission);
  return allPermissions(parts);
}

/** True where the operation asks for something that only HTTP has. */
export function needsHttp(operation: Operation): boolean {
  const { hosts, notHosts, methods, notMethods, paths, notPaths } = operation;
  return [hosts, notHosts, methods, notMethods, paths, notPaths].some((list) => list !== undefined && list.length > 0);
}

/** Undefined where the condition is about the caller, see `buildConditionPrincipal`. */
export function buildConditionPermission(condition: Condition): Permission | undefined {
  const build = conditionBuilders[condition.key];
  if (build === undefined) return undefined;
  const parts: Permission[] = [];
  add(parts, condition.values, condition.notValues, build);
  return allPermissions(parts);
}

const conditionBuilders: Record<string, (value: string) => Permission> = {
  "destination.ip": (value) =>
    create(PermissionSchema, { rule: { case: "destinationIp", value: buildCidrRange(value) } }),
  "destination.port": portPermission,
  "connection.sni": (value) =>
    create(PermissionSchema, { rule: { case: "requestedServerName", value: buildValueMatcher(value) } }),
};

function add(
  parts: Permission[],
  values: readonly string[] | undefined,
  notValues: readonly string[] | undefined,
  build: (value: string) => Permission,
): void {
  if (values !== undefined && values.length > 0) parts.push(anyOf(values.map(build)));
  if (notValues === undefined || notValues.length === 0) return;
  parts.push(create(PermissionSchema, { rule: { case: "notRule", value: anyOf(notValues.map(build)) } }));
}

function headerPermission(name: string, value: string, ignoreCase: boolean): Permission {
  return create(PermissionSchema, { rule: { case: "header", value: buildPolicyHeader(name, value, ignoreCase) } });
}

function pathPermission(path: string): Permission {
  if (isPathTemplate(path)) {
    return create(PermissionSchema, {
      rule: {
        case: "uriTemplate",
        value: {
          name: "envoy.path.match.uri_template.uri_template_matcher",
          // Envoy spells one segment `*` and any number of them `**`.
          typedConfig: packAny(UriTemplateMatchConfigSchema, {
            pathTemplate: path.replaceAll("{**}", "**").replaceAll("{*}", "*"),
          }),
        },
      },
    });
  }
  return create(PermissionSchema, {
    rule: { case: "urlPath", value: { rule: { case: "path", value: buildValueMatcher(path) } } },
  });
}

function portPermission(port: string): Permission {
  return create(PermissionSchema, { rule: { case: "destinationPort", value: Number(port) } });
}
