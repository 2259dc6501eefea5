// `lateen up`: the control plane, part by part, in the order data flows.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { openAuthority } from "../ca/authority.ts";
import { JoinTokens } from "../ca/join-tokens.ts";
import { keepServerCertificate } from "../ca/server-certificate.ts";
import { controlPlaneNames } from "../ca/server-names.ts";
import type { UpOptions } from "../cli/cli-deps.ts";
import type { Collection } from "../collection/collection.ts";
import { Graph } from "../collection/graph.ts";
import { Group } from "../collection/group.ts";
import { Join } from "../collection/join.ts";
import { Source } from "../collection/source.ts";
import { type CompleteMeshConfig, decodeMeshConfig } from "../config/mesh-config/mesh-config.ts";
import type { Config } from "../config/object.ts";
import { formatProblem } from "../config/problem.ts";
import type { WorkloadGroup } from "../config/workload-group/workload-group.ts";
import { parseTrustDomain } from "../identity/trust-domain.ts";
import { untilAborted } from "../kernel/abort.ts";
import { systemClock } from "../kernel/clock.ts";
import { describeError } from "../kernel/error.ts";
import { Lifecycle } from "../kernel/lifecycle.ts";
import { createLog } from "../kernel/log.ts";
import { Metrics } from "../kernel/metric.ts";
import { systemRandom } from "../kernel/random.ts";
import { Slices } from "../kernel/slices.ts";
import { configsOfKind } from "../model/config-of-kind.ts";
import { deriveMesh } from "../model/mesh.ts";
import { type MeshSettings, meshSettingsKey } from "../model/mesh-settings.ts";
import { meshSettingsOf } from "../model/mesh-settings-of.ts";
import { AdsServer } from "../serve/ads/ads-server.ts";
import { certificateRoutes } from "../serve/ca/certificate-service.ts";
import { IssuanceLimiter } from "../serve/ca/issuance-limiter.ts";
import { machineRoutes } from "../serve/ca/machine-service.ts";
import { ChangeLog } from "../serve/debug/change-log.ts";
import type { QueueInspection } from "../serve/debug/engine-inspection.ts";
import { changeMetrics, engineMetrics } from "../serve/debug/engine-metrics.ts";
import { adsQueues } from "../serve/debug/engine-pages.ts";
import { Profiler } from "../serve/debug/profiler.ts";
import { watchStalls } from "../serve/debug/watch-stalls.ts";
import { MonitoringListener } from "../serve/listen/monitoring-listener.ts";
import { PlaintextListener } from "../serve/listen/plaintext-listener.ts";
import { SecureListener } from "../serve/listen/secure-listener.ts";
import { withMachineConfig } from "../serve/machine/machine-config-layer.ts";
import { Quarantine } from "../serve/quarantine/quarantine.ts";
import { quarantineMetrics } from "../serve/quarantine/quarantine-metrics.ts";
import { recentChanges } from "../serve/quarantine/recent-changes.ts";
import { SetAsideObjects } from "../serve/quarantine/set-aside-objects.ts";
import { answerGate, answerPath } from "../serve/query/answer-gate.ts";
import { QueryBroker } from "../serve/query/query-broker.ts";
import { AutoAddresses } from "../sources/auto-addresses/auto-addresses.ts";
import { watchConfigFolder } from "../sources/files/config-folder.ts";
import { MachineJournal } from "../sources/registration/machine-journal.ts";
import { Registration } from "../sources/registration/registration.ts";
import { watchStoredObjects } from "../sources/store/stored-objects.ts";
import { openSqliteStore } from "../store/sqlite-store.ts";
import { MeshGenerator } from "../translate/mesh-generator.ts";
import { type ConfigApi, startConfigApi } from "./config-api.ts";
import type { CommandContext } from "./context.ts";
import { controlPlaneDebug } from "./debug-pages.ts";
import { cmdErrors } from "./errors.ts";
import { likelyScopes } from "./likely-scopes.ts";
import { addressesOf, formatHostPort, reachableHost } from "./listen-address.ts";
import { meshMetrics } from "./mesh-metrics.ts";
import { ownRoutes } from "./own-routes.ts";
import { RememberedScopes } from "./remembered-scopes.ts";

/** Istio's name of a cluster that is given none. */
const clusterId = "Kubernetes";
const domainSuffix = "cluster.local";
/** Longest time before `ready` for views that proxies used before, milliseconds. */
const warmingMs = 3_000;
/** The configuration API is for this host unless the operator says otherwise. */
const defaults = { listen: "0.0.0.0", apiListen: "127.0.0.1", xdsPort: 15012, apiPort: 15013, metricsPort: 15014 };

export function controlPlane(context: CommandContext): (options: UpOptions) => Promise<number> {
  return async (options) => {
    const lifecycle = new Lifecycle();
    try {
      const addresses = await startControlPlane(options, context, lifecycle);
      console.log(`ready ${addresses}`);
      await untilAborted(context.signal);
      return 0;
    } catch (error) {
      if (error === context.signal.reason) return 0; // told to end before it was ready
      throw error;
    } finally {
      await lifecycle.stop();
    }
  };
}

async function startControlPlane(options: UpOptions, context: CommandContext, lifecycle: Lifecycle): Promise<string> {
  const { signal } = context;
  const [clock, random, log, metrics] = [systemClock, systemRandom, createLog("info"), new Metrics()];
  const host = options.listen ?? defaults.listen;
  const apiHost = options.apiListen ?? defaults.apiListen;
  const name = `${hostname()}-${process.pid}`;
  metrics.collectProcess();

  // What the mesh is called and how it behaves where no object says otherwise.
  const meshConfig = readMeshConfig(options.meshConfig, (line) => log.warn(line));
  const settings = meshSettingsOf(meshConfig, clusterId);
  const trustDomain = parseTrustDomain(settings.trustDomain);

  // Durable things: objects, tokens, allocated addresses; and the keys of the certificate authority.
  const uid = process.geteuid?.();
  const store = lifecycle.add(await openSqliteStore({ folder: join(options.dataDir, "store"), uid, log }));
  const authority = lifecycle.add(
    await openAuthority({
      ...{ dataFolder: options.dataDir, trustDomain, clock, random, log, metrics, uid },
      ...(options.workloadCertTtl === undefined ? {} : { workloadLifetimeMs: options.workloadCertTtl }),
    }),
  );
  const tokens = lifecycle.add(new JoinTokens({ store, pin: authority.pin(), clock, random, log }));
  signal.throwIfAborted();

  // Sources: stored objects, watched folders, machines that registered themselves.
  const stalls = lifecycle.add(watchStalls(clock, metrics));
  const slices = new Slices(clock);
  const source = clusterId;
  // What happens to objects, so that pushes can be explained and what goes wrong be traced.
  const changes = new ChangeLog(clock, changeMetrics(metrics));
  const counts = quarantineMetrics(metrics);
  const setAside = lifecycle.add(
    new SetAsideObjects({ source, recent: () => recentChanges(changes), clock, log, count: counts.objects }),
  );
  const graph = new Graph((failure) => setAside.failed(failure), {
    monotonic: () => clock.monotonic(),
    onFlush: ({ tookMs, slowest }) => stalls.note(`deriving, most of it ${slowest}`, tookMs),
  });
  const stored = lifecycle.add(await watchStoredObjects(store, graph, { source }));
  const folders = options.configDirs.map((folder) =>
    lifecycle.add(watchConfigFolder(folder, { graph, clock, log, source })),
  );
  await Promise.all(folders.map((folder) => folder.ready));
  const written = new Join<Config>("written-objects", [stored.objects, ...folders.map((folder) => folder.objects)]);
  const groups = configsOfKind<WorkloadGroup>(written, "WorkloadGroup");
  const journal = lifecycle.add(new MachineJournal({ store, clock, log }));
  const registration = lifecycle.add(
    new Registration({ graph, groups, source, controller: name, journal, clock, log, metrics }),
  );
  registration.restore(await journal.load());
  const configs = new Join<Config>("objects", [written, registration.entries as Collection<Config>]);
  lifecycle.defer(changes.watch(configs));
  const sound = setAside.watch(graph, configs);
  const auto = lifecycle.add(await AutoAddresses.start({ store, graph, configs, domainSuffix, clock, log }));
  signal.throwIfAborted();

  // The mesh as data, and what each proxy gets of it.
  const settingsSource = new Source<MeshSettings>(graph, "mesh-settings");
  settingsSource.set(meshSettingsKey, settings);
  const mesh = deriveMesh({
    configs: sound.carried,
    settings: settingsSource,
    autoAddresses: auto.addresses,
    domainSuffix,
    clusterId,
  });
  const machineMesh = () => ({
    trustDomain,
    rootNamespace: settings.rootNamespace,
    domainSuffix,
    meshId: trustDomain,
    clusterId,
    captureDns: true,
    proxyListenPort: settings.proxyListenPort,
    proxyInboundListenPort: settings.proxyInboundListenPort,
  });
  const queries = lifecycle.add(new QueryBroker({ machineOf: (id) => registration.machineOf(id), clock, random }));
  // What proxies reject is traced to its objects and kept from others.
  const quarantine = lifecycle.add(
    new Quarantine({
      ...{ graph, objects: configs, source, changes, clock, log, metrics: counts },
      recipients: (typeUrl, resource) => ads.recipients(typeUrl, resource),
      machineOf: (connectionId) => registration.machineOf(connectionId),
    }),
  );
  const remembered = lifecycle.add(new RememberedScopes({ store, clock, log }));
  const meshGenerator: MeshGenerator = new MeshGenerator(mesh, graph, {
    ...{ quarantine, clock, slices, log },
    onScope: () => remembered.note(() => meshGenerator.recentScopes),
  });
  const expected = await remembered.load();
  await meshGenerator.warm(expected.length > 0 ? expected : likelyScopes(configs), warmingMs);
  const generator = queries.layer(withMachineConfig(meshGenerator, { groups, mesh: machineMesh }));

  // Serving: xDS, identity and join to machines; metrics to scrapers.
  const ads = lifecycle.add(
    new AdsServer({
      generator,
      clock,
      slices,
      random,
      log,
      metrics,
      controlPlane: name,
      changes,
      onWork: (what, tookMs) => stalls.note(what, tookMs),
      onConnect: (client, connectionId, origin) => {
        const { identities, node } = client;
        registration.connected({ connectionId, identities, node, ...origin });
        quarantine.connected(client, connectionId, origin);
      },
      onDisconnect: (connectionId) => {
        quarantine.disconnected(connectionId);
        registration.disconnected(connectionId);
      },
      onOpen: (opening) => quarantine.opened(opening),
      onAck: (acknowledgement) => quarantine.acknowledged(acknowledgement),
      onNack: (rejection) => quarantine.rejected(rejection),
    }),
  );
  const groupsByName = new Group("groups-by-name", groups, ({ key }) => [`${key.namespace}/${key.name}`]);
  const groupOf = (namespace: string, group: string) => groupsByName.get(`${namespace}/${group}`)?.[0];
  const issuance = new IssuanceLimiter({ clock, onRefused: () => authority.metrics.tooOften.inc() });
  const identity = { authority, tokens, groupOf, issuance, log };
  const certificate = lifecycle.add(
    await keepServerCertificate({
      authority,
      names: controlPlaneNames(settings.rootNamespace, [...options.advertise, ...addressesOf(host, apiHost)]),
      clock,
      log,
      onRenewed: (renewed) => {
        secure.replaceIdentity(renewed);
        api.useCertificate(renewed);
      },
    }),
  );
  const secure = lifecycle.add(
    await SecureListener.listen({
      host,
      port: options.xdsPort ?? defaults.xdsPort,
      identity: certificate.current,
      roots: authority.roots(),
      ads,
      routes: (router) => {
        certificateRoutes(identity)(router);
        machineRoutes({
          ...identity,
          mesh: machineMesh,
          random,
          onAnswer: (caller, answer) => queries.answer(caller, answer),
        })(router);
      },
      guards: new Map([[answerPath, answerGate((caller) => queries.questionsTo(caller))]]),
      clock,
      log,
      metrics,
    }),
  );
  const monitoring = lifecycle.add(
    await MonitoringListener.listen({
      host,
      port: options.metricsPort ?? defaults.metricsPort,
      metrics,
      isReady: () => true,
      clock,
    }),
  );
  const plaintext =
    options.xdsPlaintext === undefined
      ? undefined
      : lifecycle.add(await PlaintextListener.listen({ ...options.xdsPlaintext, ads, clock }));
  const profiler = new Profiler({ clock, onWork: (what, tookMs) => stalls.note(what, tookMs) });
  const queues = (): QueueInspection[] => [...secure.queues, queries.queue, ...api.queues];
  const joinHost = options.advertise[0] ?? reachableHost(host, []);
  // Operators: the configuration API, on loopback unless told otherwise.
  const api: ConfigApi = lifecycle.add(
    await startConfigApi({
      host: apiHost,
      port: options.apiPort ?? defaults.apiPort,
      dataDir: options.dataDir,
      objects: configs,
      fileProblems: folders.map((folder) => folder.problems),
      told: [quarantine.statuses, sound.statuses],
      graph,
      originOf: (key) => folders.map((folder) => folder.originOf(key)).find((origin) => origin !== undefined),
      domainSuffix,
      listenPorts: settings,
      pathNormalization: settings.pathNormalization,
      store,
      authority,
      certificate: certificate.current,
      source,
      version: {
        version: context.version,
        controlPlane: name,
        trustDomain,
        rootNamespace: settings.rootNamespace,
        clusterId,
      },
      routes: [
        ...ownRoutes({
          statuses: () => ads.statuses(),
          tokens,
          hasGroup: (namespace, group) => groupOf(namespace, group) !== undefined,
          queries,
          verdicts: quarantine.verdicts((withinMs) => ads.settled(withinMs)),
          entryOf: (connectionId) => registration.machineOf(connectionId),
          joinUrl: joinHost === undefined ? undefined : `https://${formatHostPort(joinHost, secure.port)}`,
        }),
        ...controlPlaneDebug({
          ...{ ads, changes, stalls, profiler, clock, quarantine },
          ...{ configs, mesh, meshConfig, rootNamespace: settings.rootNamespace },
          generator: () => meshGenerator.inspect(),
          queues,
          roots: [
            ...[stored.objects, ...folders.map((folder) => folder.objects), registration.entries],
            ...[settingsSource, auto.addresses, quarantine.substitutions, quarantine.statuses],
          ],
          memoryUsage: () => ({ ...process.memoryUsage() }),
        }),
      ],
      hostNames: options.advertise,
      clock,
      slices,
      random,
      log,
      metrics,
      onWork: (what, tookMs) => stalls.note(what, tookMs),
    }),
  );
  meshMetrics(metrics, { configs, mesh, clock, version: context.version, findings: api.findings });
  engineMetrics(metrics, {
    pushes: ads.pushes,
    queues: () => [...adsQueues(ads), ...queues()],
    caches: () => ({ ...meshGenerator.caches, ...ads.caches }),
    views: () => ({ ...meshGenerator.counts, withoutLabels: meshGenerator.withoutLabels }),
  });
  signal.throwIfAborted();
  return [
    `api=https://${formatHostPort(apiHost, api.port)}`,
    `xds=https://${formatHostPort(host, secure.port)}`,
    `metrics=http://${formatHostPort(host, monitoring.port)}`,
    ...(plaintext === undefined || options.xdsPlaintext === undefined
      ? []
      : [`plaintext=${formatHostPort(options.xdsPlaintext.host, plaintext.port)}`]),
  ].join(" ");
}

/** @throws LateenError LAT1201 where the file cannot be read, or naming every error of the document */
function readMeshConfig(file: string | undefined, warn: (line: string) => void): CompleteMeshConfig {
  const text = file === undefined ? "" : readText(file);
  const { config, problems } = decodeMeshConfig(text, file ?? "MeshConfig");
  for (const problem of problems) if (problem.severity !== "error") warn(formatProblem(problem));
  const errors = problems.filter((problem) => problem.severity === "error");
  if (errors.length > 0) throw cmdErrors.badMeshConfig(errors.map(formatProblem).join("\n"));
  return config;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw cmdErrors.badMeshConfig(`${file} cannot be read: ${describeError(cause)}`, { cause });
  }
}
