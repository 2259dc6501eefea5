// The configuration API of `lateen up`: the view of all objects, the writer, the server, and the administrator's credentials.
import { join } from "node:path";
import type { Authority } from "../ca/authority.ts";
import type { Collection } from "../collection/collection.ts";
import type { Graph } from "../collection/graph.ts";
import type { PathNormalization } from "../config/analysis/settings.ts";
import { kinds } from "../config/kinds.ts";
import type { ListenPorts } from "../config/listener-port.ts";
import { type Config, formatConfigKey, type Origin } from "../config/object.ts";
import type { Problem } from "../config/problem.ts";
import { validateObject } from "../config/validate.ts";
import type { ControlPlaneVersion } from "../contract/control-plane.ts";
import type { Clock } from "../kernel/clock.ts";
import { Lifecycle, type Stoppable } from "../kernel/lifecycle.ts";
import type { Log } from "../kernel/log.ts";
import type { Metrics } from "../kernel/metric.ts";
import { replacePrivateFile } from "../kernel/private-file.ts";
import type { Random } from "../kernel/random.ts";
import type { Slices } from "../kernel/slices.ts";
import { adminKubeconfig } from "../serve/api/admin-kubeconfig.ts";
import { ApiHandler } from "../serve/api/api-handler.ts";
import { clientCertificateAuthenticator } from "../serve/api/api-identity.ts";
import { type ApiCertificate, ApiServer } from "../serve/api/api-server.ts";
import type { ExtraRoute } from "../serve/api/extra-route.ts";
import { MeshAnalysis } from "../serve/api/mesh-analysis.ts";
import { objectStatus } from "../serve/api/object-status.ts";
import { openObjectView } from "../serve/api/object-view.ts";
import { ObjectWriter } from "../serve/api/object-writer.ts";
import { listPendingFields } from "../serve/api/pending-field-list.ts";
import { ResourceHandler } from "../serve/api/resource-handler.ts";
import { type Told, toldStatuses } from "../serve/api/told-statuses.ts";
import { untakenFiles } from "../serve/api/untaken-files.ts";
import type { QueueInspection } from "../serve/debug/engine-inspection.ts";
import { fieldLine } from "../sources/files/field-line.ts";
import type { Store } from "../store/store.ts";
import { formatHostPort, loopbackOf, reachableHost } from "./listen-address.ts";
import { ownRouteStatus } from "./own-routes.ts";

export interface ConfigApiOptions {
  host: string;
  port: number;
  dataDir: string;
  /** Every object of every source. */
  objects: Collection<Config>;
  /** Where an object of a watched folder is now. */
  originOf: (key: string) => Origin | undefined;
  /** What is wrong with files, by path, of each watched folder. */
  fileProblems: readonly Collection<readonly Problem[]>[];
  /** What others say of objects, by key, beside what analysis finds. */
  told: readonly Collection<Told>[];
  graph: Graph;
  domainSuffix: string;
  listenPorts: ListenPorts;
  pathNormalization: PathNormalization;
  store: Store;
  authority: Authority;
  certificate: ApiCertificate;
  source: string;
  version: ControlPlaneVersion;
  routes: readonly ExtraRoute[];
  hostNames: readonly string[];
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
  /** Told of work that was done without giving the event loop back. */
  slices: Slices;
  onWork: (what: string, tookMs: number) => void;
}

export interface ConfigApi extends Stoppable {
  readonly port: number;
  useCertificate(certificate: ApiCertificate): void;
  readonly queues: readonly QueueInspection[];
  /** Objects with a finding of the analysis, by its code. */
  readonly findings: () => ReadonlyMap<string, number>;
}

export async function startConfigApi(options: ConfigApiOptions): Promise<ConfigApi> {
  const { objects, store, source, clock, random, log, metrics, authority, version } = options;
  const lifecycle = new Lifecycle();
  const namespaces = ["default", version.rootNamespace];
  const { domainSuffix, listenPorts, pathNormalization, originOf, fileProblems, graph } = options;
  const { rootNamespace } = version;
  const analysis = lifecycle.add(
    new MeshAnalysis({
      ...{ objects, source, rootNamespace, domainSuffix, listenPorts, pathNormalization, originOf, fileProblems },
      ...{ graph, clock, log, slices: options.slices, onWork: options.onWork },
      lineOf: fieldLine,
    }),
  );
  const statuses = toldStatuses(analysis.statuses, ...options.told);
  const view = lifecycle.add(
    await openObjectView({ objects, statuses, source, namespaces, revisions: store, clock, log }),
  );
  const writer = new ObjectWriter({
    store,
    view,
    source,
    validate: async (kind, object) => {
      const problems = validateObject(kind, object);
      // What does not fit its schema cannot be looked at beside others.
      const isBroken = problems.some((problem) => problem.severity === "error");
      return isBroken ? problems : [...problems, ...analysis.problemsOf(kind, object)];
    },
    ownerOf: (config) => ownerOf(config, originOf(formatConfigKey(config.key)) ?? config.origin),
    clock,
    random,
  });
  const handler = new ApiHandler({
    kinds,
    resources: new ResourceHandler({
      ...{ view, writer, statusOf: objectStatus, clock },
      warningsOf: (look) => untakenFiles(fileProblems, look),
    }),
    authenticator: clientCertificateAuthenticator(clock),
    hostNames: options.hostNames,
    version,
    pendingFields: listPendingFields(kinds),
    extraRoutes: options.routes,
    extraStatus: ownRouteStatus,
    clock,
    log,
    metrics,
  });
  const { host, port, certificate } = options;
  const server = lifecycle.add(
    await ApiServer.listen({ host, port, certificate, clientAuthority: authority.apiRoots(), handler }),
  );
  await writeAdminKubeconfig(options, server.port);
  return {
    port: server.port,
    get queues() {
      return handler.queues;
    },
    findings: () => analysis.countByCode(),
    useCertificate: (renewed) => server.useCertificate(renewed),
    stop: () => lifecycle.stop(),
  };
}

/** Where an object that is not stored must be changed; undefined for stored ones. */
function ownerOf(config: Config, origin: Origin | undefined): string | undefined {
  if (origin !== undefined) return `defined in ${origin.file}:${origin.line}, change it there`;
  const group = config.meta.annotations?.["istio.io/autoRegistrationGroup"];
  return config.key.kind === "WorkloadEntry" && group !== undefined
    ? `registered by a machine of WorkloadGroup ${group}, change the group instead`
    : undefined;
}

/** A new certificate at each start; the file is replaced whole. */
async function writeAdminKubeconfig(options: ConfigApiOptions, port: number): Promise<void> {
  const { authority, dataDir, host, random } = options;
  const admin = await authority.signAdmin();
  const reachable = reachableHost(host, options.hostNames) ?? loopbackOf(host);
  const text = adminKubeconfig({
    server: `https://${formatHostPort(reachable, port)}`,
    serverRoots: authority.roots(),
    certificate: admin.chain.join(""),
    key: admin.key,
  });
  replacePrivateFile(join(dataDir, "admin.kubeconfig"), text.reveal(), random);
}
