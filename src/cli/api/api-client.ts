// HTTP to the control plane's API: verified TLS, one kept-alive connection, limits and deadlines.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";
import type { Clock } from "../../kernel/clock.ts";
import { LateenError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Secret } from "../../kernel/secret.ts";
import { cliErrors } from "../errors.ts";
import { type ApiStatus, readStatus } from "./api-status.ts";
import { transportError } from "./transport-error.ts";
import { readWarnings } from "./warning-header.ts";

export interface Endpoint {
  server: URL;
  /** PEM; absent: the system's authorities. */
  authority: string | undefined;
  tlsServerName: string | undefined;
  clientCertificate: string | undefined;
  clientKey: Secret<string> | undefined;
  token: Secret<string> | undefined;
  /** True only where a person typed it. */
  skipVerify: boolean;
}

export interface ApiRequest {
  /** By default GET. */
  method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Absolute path, its parts percent-encoded. */
  path: string;
  query?: Readonly<Record<string, string | undefined>>;
  /** By default `application/json`. */
  accept?: string;
  body?: { type: string; text: string };
  /** Until the whole answer is here; by default the client's. */
  timeoutMs?: number;
  /** Largest answer, bytes; by default 32 MiB. */
  limitBytes?: number;
}

export type ApiAnswer = { ok: true; code: number; text: string } | { ok: false; status: ApiStatus };

/** Largest answer unless a request says more, bytes: 10,000 objects of 3 KB fit. */
const answerLimit = 32 << 20;
/** Longest line of a watch, bytes: the largest object with its frame. */
const lineLimit = 4 << 20;
/** Largest header block of an answer, bytes; warnings travel in it. */
const headerLimit = 256 << 10;

export interface ApiClientOptions {
  clock: Clock;
  timeoutMs: number;
  userAgent: string;
  /** Called for each `Warning` of each answer. */
  onWarning(text: string): void;
}

export class ApiClient implements Stoppable {
  readonly server: URL;
  private readonly endpoint: Endpoint;
  private readonly options: ApiClientOptions;
  private readonly agent: HttpAgent | HttpsAgent;

  constructor(endpoint: Endpoint, options: ApiClientOptions) {
    this.server = endpoint.server;
    this.endpoint = endpoint;
    this.options = options;
    this.agent = endpoint.server.protocol === "http:" ? new HttpAgent({ keepAlive: true }) : tlsAgent(endpoint);
  }

  /**
   * Sends a request and reads the whole answer.
   *
   * @throws LateenError LAT9004, LAT9005, LAT9007 or LAT9008 where there is none
   */
  async send(request: ApiRequest): Promise<ApiAnswer> {
    try {
      return await this.sendOnce(request);
    } catch (error) {
      // A server may close a kept connection just as the next request leaves; reading again is safe.
      if (error instanceof CutOnReuse && (request.method ?? "GET") === "GET") return this.sendOnce(request);
      if (error instanceof CutOnReuse) throw transportError(this.server, error.cause);
      throw error;
    }
  }

  /**
   * The JSON of an answer.
   *
   * @throws LateenError as `send`, and LAT9006 where the server refused
   */
  async json<T>(request: ApiRequest): Promise<T> {
    const answer = await this.send(request);
    if (!answer.ok) throw refusal(answer.status);
    return parseJson(answer.text, this.server) as T;
  }

  /**
   * Calls `onLine` for each line of an endless answer, until the server ends it or `signal` is aborted.
   *
   * @throws LateenError as `json`; no deadline applies once the answer has begun
   */
  async stream(request: ApiRequest, onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { response, settle } = await this.open(request, signal);
    try {
      if ((response.statusCode ?? 0) >= 400) {
        throw refusal(readStatus(response.statusCode ?? 0, await readBody(response, answerLimit, this.server)));
      }
      settle();
      let rest = "";
      for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
        rest += chunk;
        for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n")) {
          const line = rest.slice(0, end);
          rest = rest.slice(end + 1);
          if (line.trim() !== "") onLine(line);
        }
        if (rest.length > lineLimit) throw tooLarge(this.server, lineLimit);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof LateenError ? error : transportError(this.server, error);
    } finally {
      settle();
      response.destroy();
    }
  }

  /**
   * Hands the body of an answer to `take` as it comes.
   *
   * @throws LateenError as `json`, and what `take` throws; no deadline applies once the answer has begun
   */
  async body(request: ApiRequest, take: (body: Readable) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { response, settle } = await this.open(request, signal);
    try {
      const code = response.statusCode ?? 0;
      if (code >= 400) throw refusal(readStatus(code, await readBody(response, answerLimit, this.server)));
      settle();
      await take(response);
    } finally {
      settle();
      response.destroy();
    }
  }

  async stop(): Promise<void> {
    this.agent.destroy();
  }

  private async sendOnce(request: ApiRequest): Promise<ApiAnswer> {
    const { response, settle } = await this.open(request);
    try {
      const code = response.statusCode ?? 0;
      const text = await readBody(response, request.limitBytes ?? answerLimit, this.server);
      return code < 400 ? { ok: true, code, text } : { ok: false, status: readStatus(code, text) };
    } catch (error) {
      throw settle(error);
    } finally {
      settle();
    }
  }

  /** Resolves at the answer's head. `settle` ends the deadline and says what a failure means. */
  private open(
    request: ApiRequest,
    signal?: AbortSignal,
  ): Promise<{ response: IncomingMessage; settle: (error?: unknown) => unknown }> {
    return new Promise((resolve, reject) => {
      const timeoutMs = request.timeoutMs ?? this.options.timeoutMs;
      const send = this.server.protocol === "http:" ? httpRequest : httpsRequest;
      const outgoing = send({ ...this.requestOptions(request), ...(signal === undefined ? {} : { signal }) });
      let late: LateenError | undefined;
      const cancel = this.options.clock.after(timeoutMs, () => {
        late = cliErrors.timeout(`${this.server.origin} did not answer within ${timeoutMs / 1000} s`);
        outgoing.destroy(late);
      });
      const settle = (error?: unknown): unknown => {
        cancel();
        return (
          late ?? (error === undefined || error instanceof LateenError ? error : transportError(this.server, error))
        );
      };
      outgoing.on("response", (response) => {
        for (const text of readWarnings(headerText(response.headers["warning"]))) this.options.onWarning(text);
        resolve({ response, settle });
      });
      outgoing.on("error", (error) => {
        const cut = (error as NodeJS.ErrnoException).code === "ECONNRESET" && outgoing.reusedSocket;
        const failure = settle(error);
        reject(cut && late === undefined ? new CutOnReuse(error) : failure);
      });
      outgoing.end(request.body?.text);
    });
  }

  private requestOptions(request: ApiRequest): RequestOptions {
    const { token } = this.endpoint;
    const base = this.server.pathname.replace(/\/+$/, "");
    return {
      agent: this.agent,
      // URL keeps brackets around IPv6; sockets take the bare address.
      host: this.server.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: this.server.port === "" ? (this.server.protocol === "http:" ? 80 : 443) : Number(this.server.port),
      method: request.method ?? "GET",
      path: `${base}${request.path}${queryText(request.path, request.query)}`,
      maxHeaderSize: headerLimit,
      headers: {
        accept: request.accept ?? "application/json",
        "user-agent": this.options.userAgent,
        ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
        ...(request.body === undefined
          ? {}
          : { "content-type": request.body.type, "content-length": Buffer.byteLength(request.body.text) }),
      },
    };
  }
}

/** A connection that was kept open was cut before an answer; never leaves this file. */
class CutOnReuse {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

function tlsAgent(endpoint: Endpoint): HttpsAgent {
  return new HttpsAgent({
    keepAlive: true,
    minVersion: "TLSv1.2",
    rejectUnauthorized: !endpoint.skipVerify,
    ...(endpoint.authority === undefined ? {} : { ca: endpoint.authority }),
    ...(endpoint.tlsServerName === undefined ? {} : { servername: endpoint.tlsServerName }),
    ...(endpoint.clientCertificate === undefined ? {} : { cert: endpoint.clientCertificate }),
    ...(endpoint.clientKey === undefined ? {} : { key: endpoint.clientKey.reveal() }),
  });
}

function queryText(path: string, query: ApiRequest["query"]): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) parameters.set(name, value);
  const text = parameters.toString();
  return text === "" ? "" : `${path.includes("?") ? "&" : "?"}${text}`;
}

function headerText(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(", ") : header;
}

async function readBody(response: IncomingMessage, limitBytes: number, server: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) throw tooLarge(server, limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(server: URL, limitBytes: number): LateenError {
  return cliErrors.badAnswer(`${server.origin} sent more than ${limitBytes} bytes`, {
    remedy: "Ask for less, for example with a name, a namespace or a selector.",
  });
}

/** @throws LateenError LAT9007 */
export function parseJson(text: string, server: URL): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw cliErrors.badAnswer(`${server.origin} sent an answer that is not JSON`);
  }
}

/** LAT9006 with what the server said and, where it is known, what to do; `advice` where the caller knows better. */
export function refusal(status: ApiStatus, advice?: string): LateenError {
  const causes = status.causes.map((cause) => `\n  ${cause.field === "" ? "" : `${cause.field}: `}${cause.message}`);
  const reason = status.reason === "" ? `HTTP ${status.code}` : status.reason;
  // Kubernetes' message for Invalid already lists its causes on one line.
  const message = `the control plane refused (${reason}): ${status.message}${causes.length > 1 ? causes.join("") : ""}`;
  // Lateen's own errors come with theirs, under the code.
  const own = status.causes.find((cause) => /^LAT\d{4}$/.test(cause.reason));
  const remedy = advice ?? own?.message ?? remedies[status.code];
  return cliErrors.refused(message, remedy === undefined ? {} : { remedy });
}

const remedies: Readonly<Record<number, string>> = {
  401: "Use a kubeconfig of this control plane; lateen up writes admin.kubeconfig into its data folder.",
  403: "Ask an administrator, or use a kubeconfig that may do this.",
  404: "lateen get lists what there is; -n NAMESPACE chooses the namespace.",
  409: "The object changed or exists already; look at it with lateen get, then try again.",
  429: "The control plane is at a limit; try again in a moment.",
  503: "The control plane is starting or stopping; try again in a moment.",
};
