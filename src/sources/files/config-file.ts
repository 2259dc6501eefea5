// One file: its text → the objects it gives the mesh, keeping the last good version of what is broken.
import { decodeAndValidate } from "../../config/decode/decode-and-validate.ts";
import { splitDocuments } from "../../config/decode/split-documents.ts";
import { configCodes } from "../../config/errors.ts";
import { type ApiObject, type Config, formatConfigKey } from "../../config/object.ts";
import { formatObjectRef, type Problem } from "../../config/problem.ts";
import { contentHash } from "../../kernel/hash.ts";
import { sharedData } from "../../kernel/shared-data.ts";
import { configOf } from "../api-object.ts";

/** An object of a file. Its config has no origin: lines move with every edit above, which must not look like a change. */
export interface PlacedConfig {
  config: Config;
  /** 1-based line in the file. */
  line: number;
}

export interface ConfigFile {
  /** Problems and origins name this path. */
  readonly path: string;
  /** By `formatConfigKey`. */
  readonly objects: ReadonlyMap<string, PlacedConfig>;
  readonly problems: readonly Problem[];
  /** What each document was decoded to, by the hash of its text. */
  readonly documents: ReadonlyMap<string, DecodedDocument>;
}

/** A decoded document; lines count from its own first line. */
interface DecodedDocument {
  objects: readonly PlacedConfig[];
  /** Keys of objects that were read but have errors. */
  refused: readonly string[];
  problems: readonly Problem[];
  /** True where something could not be read far enough to know which object it is. */
  nameless: boolean;
}

export interface FileContext {
  /** Cluster id of this control plane, part of each object's key. */
  source: string;
  defaultNamespace: string;
}

/**
 * Decodes a file, again only those documents whose text changed.
 *
 * An object with errors keeps its last good version. Where a document cannot be read far enough to know its objects, every
 * object of the file that is now missing might be in it, so all of these stay.
 *
 * @param before the file as it was decoded last
 * @param pause called between documents that had to be decoded
 */
export async function readConfigFile(
  path: string,
  text: string,
  before: ConfigFile | undefined,
  context: FileContext,
  pause: () => Promise<void>,
): Promise<ConfigFile> {
  const documents = new Map<string, DecodedDocument>();
  const objects = new Map<string, PlacedConfig>();
  const problems: Problem[] = [];
  const refused: string[] = [];
  let nameless = false;
  for (const slice of splitDocuments(text)) {
    const hash = contentHash(slice.text);
    let document = documents.get(hash) ?? before?.documents.get(hash);
    if (document === undefined) {
      document = decodeOne(slice.text, before, context);
      await pause();
    }
    documents.set(hash, document);
    const shift = slice.line - 1;
    for (const problem of document.problems)
      problems.push({ ...problem, file: path, line: (problem.line ?? 1) + shift });
    for (const { config, line } of document.objects) {
      const key = formatConfigKey(config.key);
      const first = objects.get(key);
      if (first === undefined) objects.set(key, { config, line: line + shift });
      else problems.push(duplicate(config, path, line + shift, `${path}:${first.line}`));
    }
    refused.push(...document.refused);
    nameless ||= document.nameless;
  }
  const kept = nameless ? (before?.objects.keys() ?? []) : refused;
  for (const key of kept) {
    const good = before?.objects.get(key);
    if (good !== undefined && !objects.has(key)) objects.set(key, good);
  }
  return { path, objects, problems, documents };
}

/** The file with the objects it had, where it cannot be read at all. */
export function unreadableFile(path: string, before: ConfigFile | undefined, problem: Problem): ConfigFile {
  const { objects = new Map(), documents = new Map() } = before ?? {};
  return { path, objects, documents, problems: [{ ...problem, file: path }] };
}

/** Says that an object is defined elsewhere already. */
export function duplicate(config: Config, file: string, line: number, winner: string): Problem {
  const { kind, namespace, name } = config.key;
  const object = { kind, namespace, name };
  return {
    severity: "warning",
    code: configCodes.duplicateObject,
    message: `${formatObjectRef(object)} is defined in ${winner} already, which is used`,
    object,
    path: "metadata.name",
    remedy: "Remove one of the two.",
    file,
    line,
  };
}

function decodeOne(
  text: string,
  before: ConfigFile | undefined,
  { source, defaultNamespace }: FileContext,
): DecodedDocument {
  const { objects, refused, problems } = decodeAndValidate(text, { defaultNamespace });
  const place = ({ kind, object, origin }: (typeof objects)[number]): PlacedConfig => {
    const config = configOf(kind, authored(object), source);
    const known = before?.objects.get(formatConfigKey(config.key))?.config;
    return { config: { ...config, spec: sharedData(known?.spec, config.spec) }, line: origin.line };
  };
  const refOf = ({ kind, object: { metadata } }: (typeof objects)[number]): string =>
    formatObjectRef({ kind: kind.kind, namespace: metadata.namespace, name: metadata.name });
  const known = new Set([...objects, ...refused].map(refOf));
  // A mistake in the kind or the metadata: what it says it is may not be what it was.
  const isNameless = ({ severity, object }: Problem): boolean =>
    severity === "error" && (object === undefined || !known.has(formatObjectRef(object)));
  return {
    objects: objects.map(place),
    refused: refused.map((decoded) => formatConfigKey(place(decoded).config.key)),
    problems,
    nameless: problems.some(isNameless),
  };
}

/**
 * Without what only a server may say; files written from `kubectl get -o yaml` have it. A time of creation decides which of
 * two objects has what both claim, so it must not be for the author to choose.
 */
function authored(object: ApiObject): ApiObject {
  const { status: _status, metadata, ...rest } = object;
  const { name, namespace, labels, annotations } = metadata;
  return {
    ...rest,
    metadata: {
      name,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}
