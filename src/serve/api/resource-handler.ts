// Requests for objects: which verb, which options, which answer.
import type { IncomingMessage } from "node:http";
import type { Kind } from "../../config/kind.ts";
import { namespaceKind } from "../../config/namespace/namespace.ts";
import type { Clock } from "../../kernel/clock.ts";
import { bodyObject } from "./body-value.ts";
import { type ApiReply, jsonReply, readBody } from "./http-exchange.ts";
import { isObject } from "./json-tree.ts";
import { listObjects, selects } from "./list-objects.ts";
import type { ObjectView, ViewEntry } from "./object-view.ts";
import type { ObjectTarget, ObjectWriter, Preconditions, Written } from "./object-writer.ts";
import { parsePatch } from "./patch-object.ts";
import { isDryRun, isWatch, listOptions, type WriteOptions, watchOptions, writeOptions } from "./query-options.ts";
import { renderObject, type ShownObject, type StatusProvider } from "./render-object.ts";
import { chooseRepresentation, type Representation } from "./representation.ts";
import type { ResourceRoute } from "./resource-route.ts";
import { notFound, qualifiedName, type Status, StatusError } from "./status-error.ts";
import type { Look } from "./untaken-files.ts";
import { watchObjects } from "./watch-objects.ts";

export interface ResourceHandlerOptions {
  view: ObjectView;
  writer: ObjectWriter;
  statusOf: StatusProvider;
  /** What whoever reads objects should know beside them. */
  warningsOf?: (look: Look) => readonly string[];
  clock: Clock;
}

/** Kubernetes' verbs, for authorization, limits and metrics. */
export type ResourceVerb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** @throws StatusError 405 where the path does not serve the method */
export function resourceVerb(method: string, route: ResourceRoute, query: URLSearchParams): ResourceVerb {
  const { name, subresource } = route;
  const isRead = method === "GET" || method === "HEAD";
  if (subresource !== undefined) {
    // Namespaces are finalized by Kubernetes' own controllers; here nothing waits for that.
    if (subresource !== "status") throw new StatusError("notFound", "the server could not find the requested resource");
    if (isRead) return "get";
    throw notAllowed("status is what the mesh says of the object; it cannot be written");
  }
  if (name === undefined) {
    if (isRead) return isWatch(query) ? "watch" : "list";
    if (method === "POST") return "create";
    if (method === "DELETE") return "deletecollection";
  } else {
    if (isRead) return isWatch(query) ? "watch" : "get";
    if (method === "PUT") return "update";
    if (method === "PATCH") return "patch";
    if (method === "DELETE") return "delete";
  }
  throw notAllowed(`${qualifiedName(route.kind)} does not take ${method} here`);
}

function notAllowed(message: string): StatusError {
  return new StatusError("notAllowed", message);
}

export class ResourceHandler {
  private readonly options: ResourceHandlerOptions;

  constructor(options: ResourceHandlerOptions) {
    this.options = options;
  }

  async handle(
    verb: ResourceVerb,
    route: ResourceRoute,
    query: URLSearchParams,
    request: IncomingMessage,
  ): Promise<ApiReply> {
    const { view, clock } = this.options;
    const { kind, version, namespace, name } = route;
    const shape = { kind, version, nowMs: clock.now() };
    const representation = chooseRepresentation(request.headers.accept, query.get("includeObject"), shape);
    const render = (entry: ViewEntry): ShownObject => renderObject(entry, version, this.options.statusOf);
    const warnings = (): readonly string[] =>
      this.options.warningsOf?.({ kind: kind.kind, namespace, name: name ?? "" }) ?? [];
    switch (verb) {
      case "get": {
        const entry = view.get(kind, namespace, name ?? "");
        if (entry === undefined) return jsonReply(404, notFound(kind, name ?? "").status, warnings());
        return jsonReply(200, representation.one(render(entry)), warnings());
      }
      case "list": {
        const page = listObjects(view, kind, namespace, listOptions(query));
        return jsonReply(200, representation.list(page.entries.map(render), page.metadata), warnings());
      }
      case "watch": {
        const options = watchOptions(query);
        const fields = options.fields;
        // The old way to watch one object names it in the path.
        if (name !== undefined) options.fields = (values) => values.name === name && fields(values);
        return {
          t: "lines",
          run: (sink) => watchObjects({ view, kind, namespace, options, representation, render, clock }, sink),
        };
      }
      default:
        return await this.write(verb, route, query, request, representation, render);
    }
  }

  private async write(
    verb: ResourceVerb,
    route: ResourceRoute,
    query: URLSearchParams,
    request: IncomingMessage,
    representation: Representation,
    render: (entry: ViewEntry) => ShownObject,
  ): Promise<ApiReply> {
    const { writer, clock } = this.options;
    const options = writeOptions(query);
    const manager = options.fieldManager ?? managerOf(request.headers["user-agent"]);
    const body = await readBody(request, clock);
    const type = request.headers["content-type"];
    const reply = ({ entry, warnings, created }: Written): ApiReply =>
      jsonReply(created ? 201 : 200, representation.one(render(entry)), warnings);
    if (verb === "create") return reply(await writer.create(bodyObject(body, type), route, options, manager));
    if (verb === "deletecollection") return await this.deleteCollection(route, query, options, body, type);
    const target: ObjectTarget = { ...route, name: route.name ?? "" };
    if (verb === "update") {
      const value = bodyObject(body, type);
      return reply(await writer.change(target, options, manager, () => ({ value })));
    }
    if (verb === "patch") {
      const patch = parsePatch(body, type, target, options);
      return reply(await writer.change(target, options, manager, patch.compute, patch.creates));
    }
    const wishes = deleteOptions(body, type);
    const uid = await writer.delete(target, wishes.preconditions, options.dryRun || wishes.dryRun);
    return jsonReply(200, deleted(route.kind, target.name, uid));
  }

  /** Objects that are defined elsewhere stay, with a warning. */
  private async deleteCollection(
    route: ResourceRoute,
    query: URLSearchParams,
    options: WriteOptions,
    body: Uint8Array,
    type: string | undefined,
  ): Promise<ApiReply> {
    const { view, writer } = this.options;
    const { kind, namespace } = route;
    if (kind === (namespaceKind as Kind)) throw notAllowed("namespaces are deleted one by one");
    const selection = listOptions(query);
    const wishes = deleteOptions(body, type);
    const warnings: string[] = [];
    for (const entry of view.list(kind, namespace).filter((each) => selects(selection, namespace, each))) {
      const target: ObjectTarget = { ...route, namespace: entry.config.key.namespace, name: entry.config.key.name };
      try {
        await writer.delete(target, wishes.preconditions, options.dryRun || wishes.dryRun);
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        // Someone else was faster.
        if (error.status.reason === "NotFound") continue;
        if (error.status.reason !== "MethodNotAllowed") throw error;
        warnings.push(error.message);
      }
    }
    return jsonReply(200, deleted(kind, "", undefined), warnings);
  }
}

/** The program's name, as Kubernetes takes it where no field manager is named. */
function managerOf(userAgent: string | undefined): string {
  const name =
    (userAgent ?? "")
      .split("/")[0]
      ?.replace(/[^\x20-\x7e]/g, "")
      .slice(0, 128) ?? "";
  return name === "" ? "unknown" : name;
}

/** meta/v1 DeleteOptions. Grace periods and propagation are taken and mean nothing: objects are gone at once. */
function deleteOptions(body: Uint8Array, type: string | undefined): { preconditions: Preconditions; dryRun: boolean } {
  if (body.length === 0) return { preconditions: {}, dryRun: false };
  const value = bodyObject(body, type);
  if (!isObject(value)) throw new StatusError("badRequest", "the body of a delete must be DeleteOptions");
  const { uid, resourceVersion } = isObject(value["preconditions"]) ? value["preconditions"] : {};
  const dryRun = value["dryRun"];
  return {
    preconditions: {
      ...(typeof uid === "string" ? { uid } : {}),
      ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
    },
    dryRun: isDryRun(Array.isArray(dryRun) ? dryRun : []),
  };
}

function deleted(kind: Kind, name: string, uid: string | undefined): Status {
  const details = { name, group: kind.group, kind: kind.plural, ...(uid === undefined ? {} : { uid }) };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details, code: 200 };
}
