// A control plane on a real port: TLS, join, renew, answers and delta ADS from memory.
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  type AnswerRequest,
  type JoinRequest,
  type MachineConfigSchema,
  MachineService,
} from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { createJoinToken, formatJoinToken, joinTokenRandomBytes } from "../../identity/join-token.ts";
import { systemRandom } from "../../kernel/random.ts";
import { Secret } from "../../kernel/secret.ts";
import { ServerCall } from "../grpc/server-call.ts";
import { type TestAuthority, testAuthority } from "../identity/test-authority.fake.ts";
import { FakeControlPlane } from "../xds-relay/control-plane.fake.ts";

const adsPath = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

export interface FakeControlPlaneServer {
  readonly authority: TestAuthority;
  readonly control: FakeControlPlane;
  readonly token: Secret<string>;
  readonly port: number;
  readonly joins: JoinRequest[];
  readonly answers: AnswerRequest[];
  /** SPIFFE ids of the clients of ADS streams, in the order of the streams. */
  readonly peers: string[];
  readonly sessions: Set<ServerHttp2Session>;
  /** Messages of handshakes that failed. */
  readonly failedHandshakes: readonly string[];
  /** Resolves at the next ADS stream. */
  nextStream(): Promise<void>;
  /** Resolves at the next answer to a query. */
  nextAnswer(): Promise<AnswerRequest>;
  /** Ends all connections; new ones are taken. */
  cut(): void;
  stop(): Promise<void>;
}

export interface FakeControlPlaneOptions {
  spiffeId?: string;
  machine?: MessageInitShape<typeof MachineConfigSchema>;
  /** Life of the certificates, milliseconds. */
  lifeMs?: number;
  /** The server's certificate; by default for localhost and 127.0.0.1, from this authority. */
  presents?: { chain: string; key: string };
  /** Roots of the answer to Join, instead of the authority's. */
  roots?: string[];
  port?: number;
  /** Calls that are refused before they are looked at. */
  busy?: number;
  /** Thrown at each renewal. */
  renewalError?: ConnectError;
  authority?: TestAuthority;
}

export async function fakeControlPlaneServer(options: FakeControlPlaneOptions = {}): Promise<FakeControlPlaneServer> {
  const { spiffeId = "spiffe://cluster.local/ns/shop/sa/reviews", lifeMs = 3_600_000 } = options;
  const authority = options.authority ?? (await testAuthority());
  const names = { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] };
  const { chain, key } = options.presents ?? (await authority.server(names));
  const token = new Secret(formatJoinToken(createJoinToken(systemRandom.bytes(joinTokenRandomBytes), authority.pin)));
  const control = new FakeControlPlane();
  const joins: JoinRequest[] = [];
  const answers: AnswerRequest[] = [];
  const peers: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const waiting = { stream: [] as (() => void)[], answer: [] as ((answer: AnswerRequest) => void)[] };
  const sign = (csr: string) => {
    const now = Date.now();
    return authority.sign(csr, spiffeId, { fromMs: now - 1_000, toMs: now + lifeMs });
  };
  const routes = connectNodeAdapter({
    routes: (router) =>
      router.service(MachineService, {
        async join(request, context) {
          if (context.requestHeader.get("authorization") !== `Bearer ${token.reveal()}`) {
            throw new ConnectError("the token was used already", Code.Unauthenticated);
          }
          joins.push(request);
          const { chain: certChain, roots } = await sign(request.csr);
          return {
            certChain: [...certChain],
            rootCerts: options.roots ?? [...roots],
            spiffeId,
            name: request.name === "" ? "vm-1" : request.name,
            machine: options.machine ?? { trustDomain: "cluster.local", domainSuffix: "cluster.local" },
          };
        },
        async renew(request) {
          if (options.renewalError !== undefined) throw options.renewalError;
          const { chain: certChain, roots } = await sign(request.csr);
          return { certChain: [...certChain], rootCerts: [...roots] };
        },
        answer(request) {
          answers.push(request);
          for (const resolve of waiting.answer.splice(0)) resolve(request);
          return {};
        },
      }),
  });
  let { busy = 0 } = options;
  const server: Http2SecureServer = createSecureServer(
    { cert: chain, key, ca: authority.root, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      if (request.url === adsPath) return;
      if (busy > 0) {
        busy -= 1;
        request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
      } else routes(request, response);
    },
  );
  const failedHandshakes: string[] = [];
  server.on("tlsClientError", ({ message }) => failedHandshakes.push(message));
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    if (headers[":path"] !== adsPath) return;
    const socket = stream.session?.socket as TLSSocket | undefined;
    const raw = socket?.getPeerCertificate().raw;
    peers.push(raw === undefined ? "" : (new X509Certificate(raw).subjectAltName ?? ""));
    // The adapter's side of node:http2 wants to send trailers of every stream.
    stream.removeAllListeners("wantTrailers");
    new ServerCall(
      stream as ServerHttp2Stream,
      (call) => {
        let listener: { message(bytes: Uint8Array): void } | undefined;
        return {
          message(bytes) {
            if (listener === undefined) {
              // The fake's client side is the relay's: here its two directions are turned round.
              control.connect((_send) => ({
                announced: () => {},
                message: (reply) => call.send(reply),
                closed: () => {},
              }));
              listener = { message: (request) => control.request(request) };
              for (const resolve of waiting.stream.splice(0)) resolve();
            }
            listener.message(bytes);
          },
          closed: () => {},
        };
      },
      16 << 20,
    );
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  return {
    authority,
    control,
    token,
    port: (server.address() as AddressInfo).port,
    joins,
    answers,
    peers,
    sessions,
    failedHandshakes,
    nextStream: () => new Promise((resolve) => waiting.stream.push(resolve)),
    nextAnswer: () => new Promise((resolve) => waiting.answer.push(resolve)),
    cut() {
      for (const session of sessions) session.destroy();
    },
    async stop() {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
