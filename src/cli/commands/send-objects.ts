// What apply and create do with each object once all of them are found good.
import type { Decoded } from "../../config/decode/decode-yaml.ts";
import { formatObjectRef, type Problem } from "../../config/problem.ts";
import { LateenError } from "../../kernel/error.ts";
import type { ApiStatus } from "../api/api-status.ts";
import { type ResourceKind, resourceLabel } from "../api/resource-kind.ts";
import { likelyNamespace, type Session, withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { analyzeTogether, checkTexts, printProblems, refuseProblems } from "../input/check-objects.ts";
import { presentObjects } from "../input/present-objects.ts";
import { proxyVerdicts } from "../input/proxy-verdicts.ts";
import { readInput } from "../input/read-files.ts";
import { asList, objectName, structuredText, withoutManagedFields } from "../resource/output-format.ts";
import type { FileFlags } from "./file-flags.ts";

export interface SendFlags extends FileFlags {
  strict?: boolean;
  /** Milliseconds. */
  wait?: number;
  output?: "json" | "yaml" | "name";
}

export interface Sent {
  /** `created`, `configured`, … */
  verb: string;
  /** The object as the server has it now. */
  object: unknown;
}

/** Sends one object; returns what the server refused with where it did. */
export type SendOne = (
  session: Session,
  kind: ResourceKind,
  decoded: Decoded,
) => Promise<{ ok: true; sent: Sent } | { ok: false; status: ApiStatus }>;

/** What `--dry-run=client` says was done. */
export interface SendVerbs {
  clientDryRun: string;
  /** For progress: `applied`. */
  past: string;
}

/**
 * Reads, checks and sends. Nothing is sent while anything is wrong; after that, one refused object does not keep the
 * others from being sent.
 *
 * @throws LateenError LAT9001, LAT9009, LAT9010, and those of a session
 */
export async function sendObjects(context: Context, flags: SendFlags, verbs: SendVerbs, send: SendOne): Promise<void> {
  const texts = await readInput(flags.filename ?? [], flags.recursive === true, context.deps.readStdin);
  const typed = flags.namespace !== undefined;
  const namespace = likelyNamespace(context, flags);
  if (flags.dryRun === "client") {
    const { objects, problems } = checkTexts(texts, namespace, typed);
    refuseProblems(context.terminal, [...problems, ...analyzeTogether(objects, undefined)], flags.strict === true);
    refuseEmpty(objects);
    for (const { kind, object } of objects) {
      const name = object.metadata.name || `${object.metadata.generateName ?? ""}*`;
      printResult(context, flags, `${resourceLabel(kind)}/${name}`, verbs.clientDryRun, "dry run");
    }
    printList(
      context,
      flags,
      objects.map((each) => each.object),
    );
    return;
  }
  // Found without the server, errors need no credentials and no round trip.
  const early = checkTexts(texts, namespace, typed).problems.filter(({ severity }) => severity === "error");
  if (early.length > 0) refuseProblems(context.terminal, early, false);
  await withSession(context, flags, async (session) => {
    const { objects, problems } = checkTexts(texts, session.namespace, typed);
    const together = await analyzeOnServer(context, session, objects);
    refuseProblems(context.terminal, [...problems, ...(together ?? [])], flags.strict === true);
    silenceKnown(session, problems, together !== undefined);
    refuseEmpty(objects);
    const written = await sendAll(context, session, flags, verbs, objects, send);
    await tellVerdicts(context, session, flags, written);
    if (flags.strict === true && session.warnings.size > 0) {
      context.terminal.note("error: the control plane warned, and --strict was given; the objects were sent");
      context.status = 1;
    }
  });
}

/** Who may write in one namespace may not be allowed to list all; the objects can be sent all the same. */
async function analyzeOnServer(
  context: Context,
  session: Session,
  objects: readonly Decoded[],
): Promise<Problem[] | undefined> {
  try {
    return analyzeTogether(objects, await presentObjects(session, objects));
  } catch (error) {
    if (!(error instanceof LateenError) || error.code !== "LAT9006") throw error;
    context.terminal.note(`note: references to objects on the server were not checked: ${error.message}`);
    return undefined;
  }
}

/**
 * The server finds what was found here; once is enough. It also sees one object at a time: what the first refers to may
 * come with the second, so its analysis counts for less than the one of all objects together.
 */
function silenceKnown(session: Session, problems: readonly Problem[], isAnalyzed: boolean): void {
  session.silence(
    (text) =>
      (isAnalyzed && /^IST\d{4}\b/.test(text)) ||
      problems.some(({ code, path = "" }) => path !== "" && text.includes(code) && text.includes(path)),
  );
}

/** @throws LateenError LAT9009 */
function refuseEmpty(objects: readonly Decoded[]): void {
  if (objects.length > 0) return;
  throw cliErrors.unreadableFile("the files hold no objects", {
    remedy: "Check the path; -R also reads the folders below it.",
  });
}

async function sendAll(
  context: Context,
  session: Session,
  flags: SendFlags,
  verbs: SendVerbs,
  objects: readonly Decoded[],
  send: SendOne,
): Promise<readonly Decoded[]> {
  const progress = context.terminal.progress(verbs.past, objects.length);
  const results: unknown[] = [];
  const written: Decoded[] = [];
  const served = await session.kinds();
  try {
    for (const decoded of objects) {
      if (context.deps.signal.aborted) break;
      const result = await send(session, resourceOf(decoded, served), decoded);
      progress.step();
      if (result.ok) {
        results.push(result.sent.object);
        if (result.sent.verb !== "unchanged") written.push(decoded);
        const note = flags.dryRun === "server" ? "server dry run" : "";
        const name = objectName(result.sent.object) || decoded.object.metadata.name;
        printResult(context, flags, `${resourceLabel(decoded.kind)}/${name}`, result.sent.verb, note);
      } else {
        printRefusal(context, decoded, result.status);
        context.status = 1;
      }
    }
  } finally {
    progress.end();
  }
  printList(context, flags, results);
  return written;
}

/** What proxies reject is no error of the command: it is written, and what they had before stays. */
async function tellVerdicts(
  context: Context,
  session: Session,
  flags: SendFlags,
  written: readonly Decoded[],
): Promise<void> {
  if (flags.dryRun !== "none") return;
  const names = written.map(({ kind, object: { metadata } }) => `${kind.kind}/${metadata.namespace}/${metadata.name}`);
  const rejected = await proxyVerdicts(session, names, flags.wait ?? 0);
  for (const { object, messages } of rejected) {
    const [kind = "", namespace = "", name = ""] = object.split("/");
    for (const message of messages) {
      context.terminal.note(`warning: ${formatObjectRef({ kind, namespace, name })}: ${message}`);
    }
  }
  if (flags.strict !== true || rejected.length === 0) return;
  context.terminal.note("error: proxies reject what was sent, and --strict was given; the objects are written");
  context.status = 1;
}

/** The object's own version, so that the server reads it as it was written. */
function resourceOf({ kind, object }: Decoded, served: readonly ResourceKind[]): ResourceKind {
  const version = object.apiVersion.split("/").at(-1) ?? "";
  const known = served.find((each) => each.group === kind.group && each.plural === kind.plural);
  return {
    group: kind.group,
    version,
    kind: kind.kind,
    plural: kind.plural,
    singular: kind.singular,
    shortNames: kind.shortNames,
    namespaced: known?.namespaced ?? kind.scope === "Namespaced",
  };
}

function printResult(context: Context, flags: SendFlags, name: string, verb: string, note: string): void {
  if (flags.output === "json" || flags.output === "yaml") return;
  context.terminal.print(flags.output === "name" ? name : `${name} ${verb}${note === "" ? "" : ` (${note})`}`);
}

function printList(context: Context, flags: SendFlags, objects: readonly unknown[]): void {
  if (flags.output !== "json" && flags.output !== "yaml") return;
  if (objects.length === 0) return;
  context.terminal.print(structuredText(flags.output, asList(objects.map(withoutManagedFields), true)));
}

/** What the server found, placed in the file it was read from. */
function printRefusal(context: Context, decoded: Decoded, status: ApiStatus): void {
  const { metadata } = decoded.object;
  const object = { kind: decoded.kind.kind, namespace: metadata.namespace, name: metadata.name };
  const causes =
    status.causes.length > 0 ? status.causes : [{ field: "", message: status.message, reason: status.reason }];
  printProblems(
    context.terminal,
    causes.map((cause) => ({
      severity: "error",
      code: "LAT9006",
      message: cause.message || status.message,
      object,
      path: cause.field,
      file: decoded.origin.file,
      line: (cause.field === "" ? undefined : decoded.lineOf(cause.field)) ?? decoded.origin.line,
    })),
  );
}
