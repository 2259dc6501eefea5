// VirtualService.spec.http[].headers, VirtualService.spec.http[].route[].headers → envoy.config.core.v3.HeaderValueOption

import { create } from "@bufbuild/protobuf";
import {
  HeaderValueOption_HeaderAppendAction as AppendAction,
  type HeaderValueOption,
  HeaderValueOptionSchema,
} from "../../../gen/envoy/config/core/v3/base_pb.ts";
import type { HeaderOperations, Headers } from "../../config/virtual-service/header-operations.ts";
import { byKey } from "../../kernel/key-order.ts";

export interface HeaderMutations {
  requestHeadersToAdd: HeaderValueOption[];
  requestHeadersToRemove: string[];
  responseHeadersToAdd: HeaderValueOption[];
  responseHeadersToRemove: string[];
}

/** The `Host` header is set by `rewrite.authority`; here it is left out, see `authorityOf`. */
export function buildHeaderMutations(headers: Headers | undefined): HeaderMutations {
  return {
    requestHeadersToAdd: additions(headers?.request),
    requestHeadersToRemove: [...(headers?.request?.remove ?? [])],
    responseHeadersToAdd: additions(headers?.response),
    responseHeadersToRemove: [...(headers?.response?.remove ?? [])],
  };
}

/** The authority that `headers.request.set`, else `add`, asks for, by whichever name. */
export function authorityOf(headers: Headers | undefined): string | undefined {
  const { set = {}, add = {} } = headers?.request ?? {};
  const entry = [...Object.entries(set), ...Object.entries(add)].find(([name]) => isAuthority(name));
  return entry?.[1];
}

function additions(operations: HeaderOperations | undefined): HeaderValueOption[] {
  const option = (key: string, value: string, appendAction: AppendAction): HeaderValueOption =>
    create(HeaderValueOptionSchema, { header: { key, value }, appendAction });
  return [
    ...sorted(operations?.set).map(([key, value]) => option(key, value, AppendAction.OVERWRITE_IF_EXISTS_OR_ADD)),
    ...sorted(operations?.add).map(([key, value]) => option(key, value, AppendAction.APPEND_IF_EXISTS_OR_ADD)),
  ];
}

function sorted(map: Record<string, string> | undefined): [string, string][] {
  return Object.entries(map ?? {})
    .filter(([name]) => !isAuthority(name))
    .sort(byKey);
}

function isAuthority(name: string): boolean {
  return name.toLowerCase() === "host" || name === ":authority";
}
