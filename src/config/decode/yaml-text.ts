// One YAML document → a plain value. The library makes the syntax tree; what nodes mean, and the limits, are decided here.
import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument, Scalar, Schema, type YAMLError } from "yaml";
import { describeError } from "../../kernel/error.ts";
import { ownText } from "../../kernel/own-text.ts";
import { quoted } from "../../kernel/quote.ts";
import { configCodes } from "../errors.ts";
import { type DecodedText, type Places, placedText, textLines } from "./places.ts";
import { resolvePlain } from "./plain-scalar.ts";
import { depthLimit, keyFault, stringFault, syntaxFault, type TextFault, TextStop, tooDeep } from "./text-fault.ts";

/**
 * Values that aliases and merge keys may add to one document. Each use counts everything it stands for, so that nine
 * lists of nine aliases to the next cannot become a billion values.
 */
export const aliasValueLimit = 20_000;

/** Scalars stay text in the tree (failsafe schema): `resolvePlain` reads them as kubectl does. */
const textOnly = new Schema({ schema: "failsafe", resolveKnownTags: false });

const coreTags = new Set(
  ["str", "int", "float", "bool", "null", "map", "seq"].map((tag) => `tag:yaml.org,2002:${tag}`),
);

/**
 * Decodes one document as `splitDocuments` cuts it.
 *
 * Map entries whose value is null are left out, as the Kubernetes API server drops them; nulls in lists stay.
 *
 * @param line 1-based line at which the document starts in its file
 */
export function decodeYamlText(text: string, line: number): DecodedText | { faults: TextFault[] } {
  const nul = text.indexOf("\0");
  if (nul !== -1) return { faults: [syntaxFault("a text must not hold a NUL character", nul)] };
  if (!text.isWellFormed()) return { faults: [syntaxFault("a text must not hold half a surrogate pair", 0)] };
  const depthFault = flowDepthFault(text);
  if (depthFault !== undefined) return { faults: [depthFault] };
  let root: Node | null;
  try {
    const document = parseDocument(text, {
      schema: textOnly,
      prettyErrors: false,
      strict: true,
      uniqueKeys: false, // checked below: the library compares every key with every other
      logLevel: "error",
    });
    if (document.errors.length > 0) {
      return { faults: document.errors.slice(0, shownErrors).map(libraryFault) };
    }
    root = document.contents;
  } catch (error) {
    return { faults: [error instanceof RangeError ? tooDeep(0) : syntaxFault(describeError(error), 0)] };
  }
  const reader = new TreeReader();
  try {
    const value = root === null ? null : reader.read(root, 0);
    return placedText(value, reader.places, textLines(text, line), root?.range?.[0] ?? 0);
  } catch (fault) {
    if (fault instanceof TextStop) return { faults: [fault.fault] };
    throw fault;
  }
}

interface Anchored {
  value: unknown;
  /** Values in it, with what its own aliases stand for. */
  size: number;
}

class TreeReader {
  readonly places: Places = new Map();
  private readonly anchors = new Map<string, Anchored>();
  private values = 0;
  private aliasValues = 0;

  read(node: Node, depth: number): unknown {
    const before = this.values;
    this.values += 1;
    const value = this.readBare(node, depth);
    if (!isAlias(node)) {
      const anchor = (node as { anchor?: string }).anchor;
      if (anchor !== undefined) this.anchors.set(anchor, { value, size: this.values - before });
    }
    return value;
  }

  private readBare(node: Node, depth: number): unknown {
    const offset = node.range?.[0] ?? 0;
    if (isAlias(node)) return this.readAlias(node.source, offset);
    const tag = node.tag;
    if (tag !== undefined && tag !== "!" && !coreTags.has(tag)) {
      throw new TextStop(syntaxFault(`the tag ${quoted(tag)} is not allowed`, offset, "Remove the tag."));
    }
    if (isScalar(node)) return readScalar(node, offset);
    if (depth >= depthLimit) throw new TextStop(tooDeep(offset));
    if (isMap(node)) return this.readMap(node.items, depth);
    if (isSeq(node)) return this.readList(node.items, depth);
    throw new TextStop(syntaxFault("is not a value that JSON can hold", offset));
  }

  private readAlias(name: string, offset: number): unknown {
    const anchored = this.anchors.get(name);
    if (anchored === undefined)
      throw new TextStop(syntaxFault(`no anchor ${quoted(`&${name}`)} before its use`, offset));
    this.spendAliasValues(anchored.size, offset);
    this.values += anchored.size;
    return anchored.value;
  }

  private spendAliasValues(size: number, offset: number): void {
    this.aliasValues += size;
    if (this.aliasValues > aliasValueLimit) {
      throw new TextStop({
        code: configCodes.tooLarge,
        message: `aliases stand for more than ${aliasValueLimit} values`,
        remedy: "Write the values out, or split the document.",
        offset,
      });
    }
  }

  private readList(items: readonly unknown[], depth: number): unknown[] {
    const list: unknown[] = [];
    const offsets: number[] = [];
    for (const item of items as readonly Node[]) {
      offsets.push(item.range?.[0] ?? 0);
      list.push(this.read(item, depth + 1));
    }
    this.places.set(list, offsets);
    return list;
  }

  private readMap(items: readonly { key: unknown; value: unknown }[], depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    const offsets = new Map<string, number>();
    const merges: { source: unknown; offset: number }[] = [];
    for (const { key: keyNode, value: valueNode } of items as readonly { key: Node; value: Node | null }[]) {
      const offset = keyNode.range?.[0] ?? 0;
      if (isScalar(keyNode) && keyNode.type === Scalar.PLAIN && keyNode.source === "<<" && valueNode !== null) {
        merges.push({ source: this.read(valueNode, depth + 1), offset });
        continue;
      }
      const key = this.readKey(keyNode, offset);
      const fault = keyFault(key, offsets, offset);
      if (fault !== undefined) throw new TextStop(fault);
      offsets.set(key, offset);
      const value = valueNode === null ? null : this.read(valueNode, depth + 1);
      if (value !== null) map[key] = value;
    }
    this.places.set(map, offsets);
    for (const { source, offset } of merges) this.merge(map, offsets, source, offset);
    return map;
  }

  /** Numbers and booleans as keys (`8080: …`) mean their text, as in kubectl. */
  private readKey(node: Node, offset: number): string {
    const value = isAlias(node) ? this.readAlias(node.source, offset) : isScalar(node) ? node.source : undefined;
    if (isScalar(node)) this.read(node, 0);
    if (typeof value === "string" && !(isScalar(node) && node.type === Scalar.PLAIN && resolvePlain(value) === null)) {
      return value;
    }
    throw new TextStop(syntaxFault("a key must be a text", offset));
  }

  /** `<<: *defaults` (YAML 1.1's merge key, which kubectl reads): keys of the map itself win, then earlier sources. */
  private merge(map: Record<string, unknown>, offsets: Map<string, number>, source: unknown, offset: number): void {
    for (const from of Array.isArray(source) ? source : [source]) {
      const places = this.places.get(from as object);
      if (!(places instanceof Map)) {
        throw new TextStop(syntaxFault("<< takes a map or a list of maps", offset, "Refer to a map by its anchor."));
      }
      this.spendAliasValues(places.size, offset);
      for (const [key, keyOffset] of places) {
        if (offsets.has(key)) continue;
        offsets.set(key, keyOffset);
        const value = (from as Record<string, unknown>)[key];
        if (value !== undefined) map[key] = value;
      }
    }
  }
}

function readScalar(node: Scalar, offset: number): unknown {
  const source = node.source ?? "";
  const tag = node.tag;
  if (node.type === Scalar.QUOTE_DOUBLE) {
    const fault = stringFault(source, offset);
    if (fault !== undefined) throw new TextStop(fault);
  }
  const isText = tag === undefined ? node.type !== Scalar.PLAIN : tag === "!" || tag === "tag:yaml.org,2002:str";
  if (isText) return ownText(source);
  const value = resolvePlain(source);
  if (value === undefined)
    throw new TextStop(syntaxFault(`${quoted(source)} is not a number that JSON can hold`, offset));
  if (tag !== undefined && !fitsTag(tag, value)) {
    throw new TextStop(syntaxFault(`${quoted(source)} is not what its tag says`, offset, "Remove the tag."));
  }
  return typeof value === "string" ? ownText(value) : value;
}

function fitsTag(tag: string, value: unknown): boolean {
  const type = tag.slice(tag.lastIndexOf(":") + 1);
  if (type === "null") return value === null;
  if (type === "bool") return typeof value === "boolean";
  if (type === "int") return Number.isInteger(value);
  return type === "float" && typeof value === "number";
}

/** Brackets that open without closing cost the library a stack frame and much time each; stop before it starts. */
function flowDepthFault(text: string): TextFault | undefined {
  const run = /(?:[[{][ \t\r\n]*){65}/.exec(text);
  return run === null ? undefined : tooDeep(run.index);
}

/** Errors of one document that are shown; later ones mostly follow from the first. */
const shownErrors = 3;
/** Characters of the library's message that are shown: it repeats the text. */
const shownMessageLength = 200;

function libraryFault(error: YAMLError): TextFault {
  // The library recurses, and reports the end of the stack as an error of the document.
  if (error.code === "RESOURCE_EXHAUSTION") return tooDeep(error.pos[0]);
  const message = error.message.slice(0, shownMessageLength);
  return syntaxFault(message.slice(0, 1).toLowerCase() + message.slice(1), error.pos[0]);
}
