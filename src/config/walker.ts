// Visits the values of an object that a schema says something about, and skips every branch it says nothing about.
import type { PathSegment } from "./field-path.ts";
import { everyKey, type TSchema } from "./schema.ts";

export interface Walker<M> {
  /** Calls `visit` for each mark of each value present. The path is only valid during the call. */
  walk(value: unknown, visit: (mark: M, value: unknown, path: readonly PathSegment[]) => void): void;
}

interface Node<M> {
  marks: readonly M[];
  properties: ReadonlyMap<string, Node<M>>;
  /** Of list items and of map values. */
  each: Node<M> | undefined;
}

/** Compiles the schema once; `marksOf` tells what a schema node carries. */
export function compileWalker<M>(schema: TSchema, marksOf: (schema: TSchema) => readonly M[]): Walker<M> {
  const root = compileNode(schema as SchemaNode, marksOf as (schema: SchemaNode) => readonly M[]);
  return {
    walk(value, visit) {
      if (root !== undefined) walkNode(root, value, [], visit);
    },
  };
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  patternProperties?: Record<string, SchemaNode>;
  items?: SchemaNode;
}

function compileNode<M>(schema: SchemaNode, marksOf: (schema: SchemaNode) => readonly M[]): Node<M> | undefined {
  const marks = marksOf(schema);
  const properties = new Map<string, Node<M>>();
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const node = compileNode(child, marksOf);
    if (node !== undefined) properties.set(name, node);
  }
  const inner = schema.items ?? schema.patternProperties?.[everyKey];
  const each = inner === undefined ? undefined : compileNode(inner, marksOf);
  return marks.length === 0 && properties.size === 0 && each === undefined ? undefined : { marks, properties, each };
}

function walkNode<M>(
  node: Node<M>,
  value: unknown,
  path: PathSegment[],
  visit: (mark: M, value: unknown, path: readonly PathSegment[]) => void,
): void {
  if (value === undefined || value === null) return;
  for (const mark of node.marks) visit(mark, value, path);
  if (typeof value !== "object") return;
  const record = value as Record<PathSegment, unknown>;
  for (const [name, child] of node.properties) {
    if (!Object.hasOwn(record, name)) continue;
    path.push(name);
    walkNode(child, record[name], path, visit);
    path.pop();
  }
  if (node.each === undefined) return;
  const keys: PathSegment[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  for (const key of keys) {
    path.push(key);
    walkNode(node.each, record[key], path, visit);
    path.pop();
  }
}
