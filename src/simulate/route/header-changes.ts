// Changes to headers on the way: those of the chosen cluster, then those of the route.
import {
  HeaderValueOption_HeaderAppendAction as AppendAction,
  type HeaderValueOption,
} from "../../../gen/envoy/config/core/v3/base_pb.ts";
import { simulateErrors } from "../errors.ts";

export interface HeaderChanges {
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

export function headerChanges(toAdd: readonly HeaderValueOption[], toRemove: readonly string[]): HeaderChanges {
  const set: Record<string, string> = {};
  const add: Record<string, string> = {};
  for (const { header, appendAction } of toAdd) {
    const key = header?.key ?? "";
    if (appendAction === AppendAction.OVERWRITE_IF_EXISTS_OR_ADD) set[key] = header?.value ?? "";
    else if (appendAction === AppendAction.APPEND_IF_EXISTS_OR_ADD) add[key] = header?.value ?? "";
    else throw simulateErrors.cannotSimulate(`cannot simulate append_action ${appendAction} of header ${key}`);
  }
  return { set, add, remove: toRemove };
}
