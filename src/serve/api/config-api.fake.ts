// The configuration API put together for tests, as `lateen up` does it: view, writer, handler of requests.
import type { Collection } from "../../collection/collection.ts";
import { kinds } from "../../config/kinds.ts";
import type { Config } from "../../config/object.ts";
import { validateObject } from "../../config/validate.ts";
import type { ControlPlaneVersion } from "../../contract/control-plane.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { LateenError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Metrics } from "../../kernel/metric.ts";
import type { Random } from "../../kernel/random.ts";
import type { Store } from "../../store/store.ts";
import type { Validate } from "./admit-object.ts";
import { ApiHandler } from "./api-handler.ts";
import type { Authenticator } from "./api-identity.ts";
import type { ExtraRoute } from "./extra-route.ts";
import { objectStatus } from "./object-status.ts";
import { type ObjectView, openObjectView } from "./object-view.ts";
import { ObjectWriter } from "./object-writer.ts";
import { listPendingFields } from "./pending-field-list.ts";
import { ResourceHandler } from "./resource-handler.ts";

export interface ConfigApiOptions {
  /** Objects of every source as one collection, those of the store among them. */
  objects: Collection<Config>;
  /** What the mesh says of objects, by `formatConfigKey`; shown as `status`, with conditions that the API adds. */
  statuses?: Collection<unknown>;
  store: Store;
  /** Where an object that is not stored is to be changed; by default its file and line. */
  ownerOf?: (config: Config) => string | undefined;
  /** Called before each write; by default the kind's own rules. */
  validate?: Validate;
  authenticator: Authenticator;
  /** Host names under which the API is reached, beside `localhost` and any address. */
  hostNames: readonly string[];
  version: ControlPlaneVersion;
  extraRoutes?: readonly ExtraRoute[];
  /** HTTP status and reason for errors of extra routes, by code. */
  extraStatus?: (error: LateenError) => { code: number; reason: string } | undefined;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
}

export interface ConfigApi extends Stoppable {
  handler: ApiHandler;
  view: ObjectView;
}

/** Resolves when the view shows everything that the collections hold. */
export async function openConfigApi(options: ConfigApiOptions): Promise<ConfigApi> {
  const { objects, statuses, store, version, clock, random, log, metrics } = options;
  const { clusterId: source, rootNamespace } = version;
  const view = await openObjectView({
    objects,
    ...(statuses === undefined ? {} : { statuses }),
    source,
    namespaces: ["default", rootNamespace],
    revisions: store,
    clock,
    log,
  });
  const { ownerOf = () => undefined, validate = async (kind, object) => validateObject(kind, object) } = options;
  const writer = new ObjectWriter({ store, view, source, validate, ownerOf, clock, random });
  const handler = new ApiHandler({
    kinds,
    resources: new ResourceHandler({ view, writer, statusOf: objectStatus, clock }),
    authenticator: options.authenticator,
    hostNames: options.hostNames,
    version,
    pendingFields: listPendingFields(kinds),
    extraRoutes: options.extraRoutes ?? [],
    ...(options.extraStatus === undefined ? {} : { extraStatus: options.extraStatus }),
    clock,
    log,
    metrics,
  });
  return {
    handler,
    view,
    async stop() {
      await handler.stop();
      await view.stop();
    },
  };
}
