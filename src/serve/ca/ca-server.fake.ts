// The CA and join services behind a real TLS listener, with a real authority and a store in memory.
import { once } from "node:events";
import { createSecureServer, type Http2SecureServer, type Http2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { DescService } from "@bufbuild/protobuf";
import { type Client, type ConnectRouter, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import type { AnswerRequest } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { type AuthorityBed, authorityBed } from "../../ca/authority.fake.ts";
import type { Authority } from "../../ca/authority.ts";
import { JoinTokens } from "../../ca/join-tokens.ts";
import { controlPlaneNames } from "../../ca/server-names.ts";
import type { Config } from "../../config/object.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { readCertificate } from "../../identity/certificate-info.ts";
import { createCertificateRequest } from "../../identity/certificate-request.ts";
import { ecSigner } from "../../identity/signer.fake.ts";
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import { svidSpiffeId } from "../../identity/x509-svid.ts";
import type { FakeClock } from "../../kernel/clock.fake.ts";
import { systemRandom } from "../../kernel/random.ts";
import { memoryStore } from "../../store/store.fake.ts";
import type { Store } from "../../store/store.ts";
import type { Peer } from "../peer.ts";
import { callerValues } from "./caller.ts";
import { certificateRoutes } from "./certificate-service.ts";
import { IssuanceLimiter } from "./issuance-limiter.ts";
import type { MachineMeshSettings } from "./machine-config.ts";
import { machineRoutes } from "./machine-service.ts";

/** A client certificate with its key, PEM. */
export interface ClientIdentity {
  cert: string;
  key: string;
}

export const meshSettings: MachineMeshSettings = {
  trustDomain: "cluster.local",
  rootNamespace: "istio-system",
  domainSuffix: "cluster.local",
  clusterId: "Kubernetes",
  meshId: "cluster.local",
  captureDns: true,
  proxyListenPort: 15001,
  proxyInboundListenPort: 15006,
};

export function workloadGroup(namespace: string, name: string, spec: WorkloadGroup): Config<WorkloadGroup> {
  const key = { source: "test", group: "networking.istio.io", kind: "WorkloadGroup", namespace, name };
  return { key, meta: { namespace, name }, spec };
}

export interface CaServer {
  authority: Authority;
  tokens: JoinTokens;
  store: Store;
  lines: AuthorityBed["lines"];
  clock: FakeClock;
  groups: Map<string, Config<WorkloadGroup>>;
  answers: { identity: SpiffeId; answer: AnswerRequest }[];
  onAnswer: (identity: SpiffeId, answer: AnswerRequest) => void;
  routes: (router: ConnectRouter) => void;
  url: string;
  client<S extends DescService>(service: S, identity?: ClientIdentity): Client<S>;
  /** A certificate of the mesh for a new key. */
  identity(id: SpiffeId): Promise<ClientIdentity>;
  token(group?: string, uses?: number): Promise<string>;
  close(): Promise<void>;
}

export async function caServer(): Promise<CaServer> {
  const bed = authorityBed(Date.now());
  const authority = await bed.open();
  const store = memoryStore();
  const { clock, log } = bed.options;
  const tokens = new JoinTokens({ store, pin: authority.pin(), clock, random: systemRandom, log });
  const groups = new Map<string, Config<WorkloadGroup>>();
  const shared = {
    authority,
    tokens,
    log,
    issuance: new IssuanceLimiter({ clock, onRefused: () => authority.metrics.tooOften.inc() }),
    groupOf: (namespace: string, name: string) => groups.get(`${namespace}/${name}`),
  };
  const bedServer: CaServer = {
    authority,
    tokens,
    store,
    lines: bed.lines,
    clock,
    groups,
    answers: [],
    onAnswer: (identity, answer) => bedServer.answers.push({ identity, answer }),
    routes(router) {
      certificateRoutes(shared)(router);
      machineRoutes({
        ...shared,
        mesh: () => meshSettings,
        random: systemRandom,
        onAnswer: (identity, answer) => bedServer.onAnswer(identity, answer),
      })(router);
    },
    url: "",
    client(service, identity) {
      const transport = createGrpcTransport({
        baseUrl: bedServer.url,
        nodeOptions: { ca: authority.roots(), ...identity },
      });
      return createClient(service, transport);
    },
    async identity(id) {
      const signer = ecSigner();
      const issued = await authority.signWorkload(await createCertificateRequest(signer), id);
      return {
        cert: issued.chain.join(""),
        key: signer.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      };
    },
    token: async (group = "shop/reviews", uses = 1) => (await tokens.create({ group, uses })).token.reveal(),
    async close() {
      for (const session of sessions) session.destroy();
      server.close();
      await tokens.stop();
      await store.stop();
      await bed.dispose();
    },
  };
  const sessions = new Set<Http2Session>();
  const server = await listen(bedServer);
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  bedServer.url = `https://localhost:${(server.address() as AddressInfo).port}`;
  return bedServer;
}

async function listen(bed: CaServer): Promise<Http2SecureServer> {
  const own = await bed.authority.signServer(controlPlaneNames("istio-system", []));
  const server = createSecureServer(
    {
      cert: own.chain.join(""),
      key: own.key.reveal(),
      ca: bed.authority.roots(),
      requestCert: true,
      rejectUnauthorized: false,
    },
    connectNodeAdapter({
      routes: bed.routes,
      contextValues: (request) => {
        const socket = request.socket as TLSSocket;
        return callerValues({ peer: peerOf(socket), address: socket.remoteAddress ?? "" });
      },
    }),
  );
  server.listen(0, "localhost");
  await once(server, "listening");
  return server;
}

function peerOf(socket: TLSSocket): Peer {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined || !socket.authorized) return { kind: "anonymous" };
  return {
    kind: "verified",
    identities: [svidSpiffeId(readCertificate(new Uint8Array(certificate.raw)))],
    expiresAtMs: Date.parse(certificate.validTo),
    serialNumber: certificate.serialNumber,
  };
}
