// Envoy's admin interface, over loopback.
import { request } from "node:http";
import type { Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import { agentErrors } from "../errors.ts";

export interface AdminAnswer {
  status: number;
  contentType: string;
  body: Uint8Array;
}

export interface AdminRequest {
  method: "GET" | "POST";
  /** Path with query. */
  path: string;
  /** Longest answer, bytes. */
  limitBytes: number;
  /** Longest time to the last byte, milliseconds. */
  timeoutMs: number;
}

export interface AdminClientOptions {
  host: string;
  port: number;
  clock: Clock;
}

export class AdminClient {
  private readonly options: AdminClientOptions;

  constructor(options: AdminClientOptions) {
    this.options = options;
  }

  /**
   * Asks once.
   *
   * @throws LateenError LAT4204 where nobody answers in time, or the answer is over the limit
   */
  ask({ method, path, limitBytes, timeoutMs }: AdminRequest): Promise<AdminAnswer> {
    const { host, port, clock } = this.options;
    return new Promise((resolve, reject) => {
      const call = request({ host, port, method, path, agent: false, headers: { "content-length": "0" } });
      const fail = (why: string, cause?: unknown): void => {
        cancel();
        call.destroy();
        reject(agentErrors.adminUnavailable(`Envoy's admin interface: ${why}`, cause === undefined ? {} : { cause }));
      };
      const cancel = clock.after(timeoutMs, () => fail(`no answer to ${path} within ${timeoutMs} ms`));
      call.on("error", (error) => fail(describeError(error), error));
      call.on("response", (response) => {
        const chunks: Uint8Array[] = [];
        let length = 0;
        const tooLong = (): void => fail(`the answer to ${path} is longer than ${limitBytes} bytes`);
        if (Number(response.headers["content-length"] ?? 0) > limitBytes) tooLong();
        response.on("data", (chunk: Uint8Array) => {
          length += chunk.length;
          if (length > limitBytes) tooLong();
          else chunks.push(chunk);
        });
        response.on("error", (error) => fail(describeError(error), error));
        response.on("end", () => {
          cancel();
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers["content-type"] ?? "text/plain",
            body: new Uint8Array(Buffer.concat(chunks)),
          });
        });
      });
      call.end();
    });
  }

  /** True where Envoy is LIVE: it has its first configuration and its workers run. */
  async isLive(timeoutMs: number): Promise<boolean> {
    try {
      const answer = await this.ask({ method: "GET", path: "/ready", limitBytes: 1024, timeoutMs });
      return answer.status === 200;
    } catch {
      return false;
    }
  }
}
