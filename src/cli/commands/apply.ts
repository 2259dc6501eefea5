// lateen apply: makes the server's objects what the files say.
import { Command } from "commander";
import type { Decoded } from "../../config/decode/decode-yaml.ts";
import { isFields } from "../../kernel/fields.ts";
import { parseJson } from "../api/api-client.ts";
import type { ResourceKind } from "../api/resource-kind.ts";
import { resourcePath } from "../api/resource-path.ts";
import type { Session } from "../api/session.ts";
import type { Context } from "../context.ts";
import { threeWayPatch } from "../input/merge-patch.ts";
import { fieldsOf, valueAt } from "../json-value.ts";
import { addOutputFlag } from "../resource/output-flag.ts";
import { addFileFlags, addWaitFlag, type DryRun } from "./file-flags.ts";
import { type SendFlags, type SendOne, sendObjects } from "./send-objects.ts";

interface ApplyFlags extends SendFlags {
  serverSide?: boolean;
  forceConflicts?: boolean;
  fieldManager: string;
}

/** kubectl's annotation, so that the two can take turns on one object. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
/** Largest annotation that is written, characters; Kubernetes allows 256 KiB for all annotations of an object. */
const lastAppliedLimit = 200 << 10;

export function applyCommand(context: Context): Command {
  const command = new Command("apply")
    .summary("create or change objects as files say")
    .description(
      "Creates or changes objects as files say. Everything is checked first; nothing is sent while any object is wrong. Fields that others set stay; fields that were applied before and are gone from the file are removed.",
    )
    .option("--strict", "treat warnings as errors")
    .option("--server-side", "let the server merge, and keep who owns which field")
    .option("--force-conflicts", "with --server-side: take fields over from other owners")
    .option("--field-manager <name>", "name under which the server notes who wrote a field", "lateen");
  addOutputFlag(command, ["json", "yaml", "name"]);
  return addWaitFlag(addFileFlags(command))
    .addHelpText(
      "after",
      `
Examples:
  # Apply a folder
  lateen apply -f mesh/

  # Check files without a server as if they were all of the mesh, warnings included
  lateen apply -f mesh/ -R --dry-run=client --strict

  # From a pipe, into a namespace
  cat reviews.yaml | lateen apply -n shop -f -`,
    )
    .action(async (flags: ApplyFlags) => {
      const send: SendOne = (session, kind, decoded) =>
        flags.serverSide === true
          ? applyOnServer(session, kind, decoded, flags)
          : applyHere(session, kind, decoded, flags);
      await sendObjects(context, flags, { clientDryRun: "valid", past: "applied" }, send);
    });
}

/** Query parameters of every write. */
export function writeQuery(dryRun: DryRun, fieldManager: string): Record<string, string | undefined> {
  return { fieldManager, fieldValidation: "Strict", dryRun: dryRun === "server" ? "All" : undefined };
}

async function applyHere(
  session: Session,
  kind: ResourceKind,
  decoded: Decoded,
  flags: ApplyFlags,
): ReturnType<SendOne> {
  const { metadata } = decoded.object;
  const path = resourcePath(kind, metadata.namespace || undefined, metadata.name);
  const query = writeQuery(flags.dryRun, flags.fieldManager);
  const modified = withLastApplied(decoded);
  const current = await session.client.send({ path });
  if (!current.ok) {
    if (current.status.code !== 404) return current;
    const created = await session.client.send({
      method: "POST",
      path: resourcePath(kind, metadata.namespace || undefined),
      query,
      body: { type: "application/json", text: JSON.stringify(modified) },
    });
    if (!created.ok) return created;
    return { ok: true, sent: { verb: "created", object: parseJson(created.text, session.client.server) } };
  }
  const before = fieldsOf(parseJson(current.text, session.client.server));
  const patch = threeWayPatch(readLastApplied(before), modified, before);
  if (Object.keys(patch).length === 0) return { ok: true, sent: { verb: "unchanged", object: before } };
  const patched = await session.client.send({
    method: "PATCH",
    path,
    query,
    body: { type: "application/merge-patch+json", text: JSON.stringify(patch) },
  });
  if (!patched.ok) return patched;
  const after = parseJson(patched.text, session.client.server);
  // Writing down what was applied is no change that a person would call one.
  const verb = onlyBookkeeping(patch) ? "unchanged" : "configured";
  return { ok: true, sent: { verb, object: after } };
}

async function applyOnServer(
  session: Session,
  kind: ResourceKind,
  decoded: Decoded,
  flags: ApplyFlags,
): ReturnType<SendOne> {
  const { metadata } = decoded.object;
  const answer = await session.client.send({
    method: "PATCH",
    path: resourcePath(kind, metadata.namespace || undefined, metadata.name),
    query: { ...writeQuery(flags.dryRun, flags.fieldManager), force: flags.forceConflicts === true ? "true" : "false" },
    body: { type: "application/apply-patch+yaml", text: JSON.stringify(toSend(decoded)) },
  });
  if (!answer.ok) return answer;
  return { ok: true, sent: { verb: "serverside-applied", object: parseJson(answer.text, session.client.server) } };
}

/** The object without what the server owns. */
export function toSend(decoded: Decoded): Record<string, unknown> {
  const { status: _status, metadata, ...rest } = decoded.object as typeof decoded.object & { status?: unknown };
  const { managedFields: _managed, namespace, ...meta } = metadata;
  return { ...rest, metadata: namespace === "" ? meta : { ...meta, namespace } };
}

function withLastApplied(decoded: Decoded): Record<string, unknown> {
  const object = toSend(decoded);
  const meta = fieldsOf(object["metadata"]);
  const { [lastApplied]: _, ...annotations } = fieldsOf(meta["annotations"]);
  const plain = { ...object, metadata: { ...meta, annotations } };
  const text = JSON.stringify(plain);
  // Without the note, fields that vanish from the file later stay; that is better than not applying at all.
  const noted = text.length > lastAppliedLimit ? annotations : { ...annotations, [lastApplied]: `${text}\n` };
  return { ...object, metadata: { ...meta, annotations: noted } };
}

function readLastApplied(current: unknown): unknown {
  const text = valueAt(current, "metadata", "annotations", lastApplied);
  if (typeof text !== "string") return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function onlyBookkeeping(patch: Readonly<Record<string, unknown>>): boolean {
  const meta = fieldsOf(patch["metadata"]);
  const annotations = fieldsOf(meta["annotations"]);
  return (
    Object.keys(patch).every((key) => key === "metadata") &&
    Object.keys(meta).every((key) => key === "annotations") &&
    Object.keys(annotations).every((key) => key === lastApplied)
  );
}
