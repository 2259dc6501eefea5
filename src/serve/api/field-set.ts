// Sets of fields, in memory and as Kubernetes writes them (meta/v1 FieldsV1).
//
// Lists are owned as a whole: the schemas of Istio's kinds give lists no keys, for which Kubernetes does the same.
import { isObject, type JsonObject } from "./json-tree.ts";

/** Elements as FieldsV1 spells them: `f:spec`, `f:hosts`. */
export type FieldPath = readonly string[];

/** Paths by a spelling that is unique. */
export type FieldSet = ReadonlyMap<string, FieldPath>;

/** Deepest path that is read from a client's FieldsV1. */
const depthLimit = 64;

function keyOf(path: FieldPath): string {
  return JSON.stringify(path);
}

export function fieldSet(paths: Iterable<FieldPath>): FieldSet {
  const set = new Map<string, FieldPath>();
  for (const path of paths) set.set(keyOf(path), path);
  return set;
}

export function hasField(set: FieldSet, path: FieldPath): boolean {
  return set.has(keyOf(path));
}

/** The fields of a value: everything in it that is not an object with fields of its own. */
export function fieldsOf(value: JsonObject): FieldSet {
  const paths: FieldPath[] = [];
  collect(value, [], paths);
  return fieldSet(paths);
}

function collect(value: unknown, path: FieldPath, paths: FieldPath[]): void {
  const fields = isObject(value) ? Object.entries(value).filter(([, field]) => field !== undefined) : [];
  if (fields.length === 0) {
    if (path.length > 0) paths.push(path);
    return;
  }
  for (const [name, field] of fields) collect(field, [...path, `f:${name}`], paths);
}

/** The value of a field, or undefined. */
export function fieldValue(root: unknown, path: FieldPath): unknown {
  let value = root;
  for (const element of path) {
    const name = element.slice(2);
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** Where two paths meet: one is the other, or leads to it. */
export interface Meeting {
  /** The shorter path. */
  at: FieldPath;
  /** True where both are the same. */
  same: boolean;
}

/** Finds paths of a set that meet another path, without comparing each with each. */
export class FieldIndex {
  private readonly whole: ReadonlyMap<string, FieldPath>;
  private readonly prefixes = new Set<string>();

  constructor(paths: Iterable<FieldPath>) {
    this.whole = fieldSet(paths);
    for (const path of this.whole.values()) {
      for (let length = 1; length < path.length; length++) this.prefixes.add(keyOf(path.slice(0, length)));
    }
  }

  meeting(path: FieldPath): Meeting | undefined {
    for (let length = 1; length <= path.length; length++) {
      const at = this.whole.get(keyOf(path.slice(0, length)));
      if (at !== undefined) return { at, same: length === path.length };
    }
    return this.prefixes.has(keyOf(path)) ? { at: path, same: false } : undefined;
  }
}

/** Elements that are not names of fields (keys and indexes of lists) are kept as they are. */
export function readFieldsV1(fields: unknown): FieldSet {
  const paths: FieldPath[] = [];
  const walk = (node: unknown, path: FieldPath): void => {
    if (!isObject(node) || path.length > depthLimit) return;
    const children = Object.entries(node).filter(([element]) => element !== ".");
    if (path.length > 0 && (children.length === 0 || Object.hasOwn(node, "."))) paths.push(path);
    for (const [element, child] of children) walk(child, [...path, element]);
  };
  walk(fields, []);
  return fieldSet(paths);
}

export function writeFieldsV1(set: FieldSet): JsonObject {
  const root: JsonObject = {};
  for (const path of [...set.values()].sort(comparePaths)) {
    let node = root;
    for (const [index, element] of path.entries()) {
      const isLast = index === path.length - 1;
      const child = node[element];
      if (isObject(child)) {
        node = child;
        if (isLast) node["."] = {};
      } else {
        const made: JsonObject = {};
        node[element] = made;
        node = made;
      }
    }
  }
  return withOwnDots(root, set, []);
}

/** A field that has fields below it is itself a member only by `.`. */
function withOwnDots(node: JsonObject, set: FieldSet, path: FieldPath): JsonObject {
  const result: JsonObject = {};
  if (path.length > 0 && Object.keys(node).length > 0 && hasField(set, path)) result["."] = {};
  for (const [element, child] of Object.entries(node)) {
    if (element !== "." && isObject(child)) result[element] = withOwnDots(child, set, [...path, element]);
  }
  return result;
}

function comparePaths(a: FieldPath, b: FieldPath): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [left = "", right = ""] = [a[at], b[at]];
    if (left !== right) return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

/** `.spec.hosts`, as Kubernetes' messages name fields. */
export function formatField(path: FieldPath): string {
  return path
    .map((element) => {
      if (!element.startsWith("f:")) return `[${element.slice(2)}]`;
      const name = element.slice(2);
      return /^[A-Za-z0-9_-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    })
    .join("");
}
