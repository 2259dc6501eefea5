// The unary calls to the control plane: join, renew, answer.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  AnswerRequestSchema,
  type JoinRequestSchema,
  type JoinResponse,
  MachineService,
  type RenewResponse,
} from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { describeError } from "../../kernel/error.ts";
import type { Secret } from "../../kernel/secret.ts";
import { agentErrors } from "../errors.ts";
import { type ControlPlaneAddress, formatControlPlaneAddress } from "./control-plane-address.ts";
import { type TlsMaterial, tlsOptions } from "./tls-material.ts";

/** Longest time for one call with connection and handshake, milliseconds. */
const callDeadlineMs = 20_000;
/** Longest answer of the control plane, bytes: chains, roots and a machine's configuration. */
const readLimitBytes = 4 << 20;
/** Longest message of ours, bytes: the answer to a query, with its envelope. */
const writeLimitBytes = (64 << 20) + (64 << 10);

export interface MachineClientOptions {
  address: ControlPlaneAddress;
  material: TlsMaterial;
  /** Name to verify instead of the host. */
  serverName?: string;
}

/** One call is one connection: calls are rare, and each proves the newest certificate. */
export class MachineClient {
  private readonly options: MachineClientOptions;

  constructor(options: MachineClientOptions) {
    this.options = options;
  }

  /**
   * Proves the machine by its join token.
   *
   * @throws LateenError LAT3303, LAT3304, LAT3305, or LAT3309 where the token was not looked at
   */
  join(token: Secret<string>, request: MessageInitShape<typeof JoinRequestSchema>): Promise<JoinResponse> {
    return this.call((client, timeoutMs) =>
      client.join(request, { headers: { authorization: `Bearer ${token.reveal()}` }, timeoutMs }),
    );
  }

  /**
   * Renews the certificate, proven by the present one.
   *
   * @throws LateenError LAT3303, LAT3304, LAT3305, or LAT3309 where it is to be asked for later
   */
  renew(csr: string): Promise<RenewResponse> {
    return this.call((client, timeoutMs) => client.renew({ csr }, { timeoutMs }));
  }

  /**
   * Carries the answer to a query.
   *
   * @throws LateenError LAT3303, LAT3304 or LAT3305
   */
  async answer(answer: MessageInitShape<typeof AnswerRequestSchema>): Promise<void> {
    await this.call((client, timeoutMs) => client.answer(create(AnswerRequestSchema, answer), { timeoutMs }));
  }

  private async call<T>(run: (client: Client<typeof MachineService>, timeoutMs: number) => Promise<T>): Promise<T> {
    const { address, material, serverName } = this.options;
    const baseUrl = formatControlPlaneAddress(address);
    const sessionManager = new Http2SessionManager(baseUrl, {}, tlsOptions(material, address, serverName));
    const transport = createGrpcTransport({
      baseUrl,
      sessionManager,
      acceptCompression: [],
      readMaxBytes: readLimitBytes,
      writeMaxBytes: writeLimitBytes,
    });
    try {
      return await run(createClient(MachineService, transport), callDeadlineMs);
    } catch (error) {
      throw explain(error, baseUrl);
    } finally {
      sessionManager.abort();
    }
  }
}

/** Codes by which a server says no, rather than that it cannot. */
const refusals: ReadonlySet<Code> = new Set([
  Code.Unauthenticated,
  Code.PermissionDenied,
  Code.InvalidArgument,
  Code.FailedPrecondition,
  Code.NotFound,
  Code.AlreadyExists,
  Code.ResourceExhausted,
  Code.Unimplemented,
]);

/** The control plane's word for certificates that were asked for too often. */
const tooOftenCode = "LAT3206";

function explain(error: unknown, place: string): Error {
  const failure = ConnectError.from(error);
  const tlsFault = tlsFaultOf(error);
  if (tlsFault !== undefined) {
    return agentErrors.controlPlaneNotTrusted(`${place} is not trusted: ${tlsFault}`, { cause: error });
  }
  if (failure.code === Code.ResourceExhausted && failure.rawMessage.startsWith(`${tooOftenCode} `)) {
    const remedy = "Nothing: the agent asks again by itself, and the present certificate is in use meanwhile.";
    return agentErrors.controlPlaneBusy(`${place} asks to wait: ${failure.rawMessage}`, { cause: error, remedy });
  }
  if (refusals.has(failure.code)) {
    // A control plane's own errors come with what to do.
    const remedy = /^LAT\d{4} /.test(failure.rawMessage) ? { remedy: "Act on the reason that it gives." } : {};
    return agentErrors.joinRefused(`${place} refused: ${failure.rawMessage}`, { cause: error, ...remedy });
  }
  // RFC 9113, 8.7: nothing was done with the request.
  if (/\berror code (?:NGHTTP2_)?REFUSED_STREAM\b/.test(failure.rawMessage)) {
    return agentErrors.controlPlaneBusy(`${place} has too many callers at once`, { cause: error });
  }
  return agentErrors.controlPlaneUnreachable(`${place}: ${describeError(failure)}`);
}

/** OpenSSL's and Node's codes of a server certificate that was not accepted. */
const tlsFaults =
  /^(?:ERR_TLS_CERT_ALTNAME_INVALID|UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(?:_LOCALLY)?)|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT(?:_IN_CHAIN)?|CERT_[A-Z_]+|INVALID_(?:CA|PURPOSE))$/;

/** The message of the first error in the chain of causes that says why the server's certificate was refused. */
export function tlsFaultOf(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth += 1) {
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code === "string" && tlsFaults.test(code)) return cause.message;
  }
  return undefined;
}
