// Port 15013: the configuration API over HTTPS.
import { constants as crypto } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import { RequestPipelines } from "../../kernel/request-pipelines.ts";
import type { Secret } from "../../kernel/secret.ts";
import { listenReason, listenRemedy } from "../listen/open-port.ts";
import type { ApiHandler } from "./api-handler.ts";
import { apiErrors } from "./errors.ts";
import { bodyDeadlineMs, connectionLimit, headerBytesLimit } from "./limits.ts";

export interface ApiCertificate {
  /** PEM, the leaf first. */
  readonly chain: readonly string[];
  /** PEM. */
  readonly key: Secret<string>;
}

export interface ApiServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  certificate: ApiCertificate;
  /** PEM of the authority that signs the certificates of API users; of nothing else. */
  clientAuthority: string;
  handler: ApiHandler;
}

/** Request line and headers must be complete after so long, milliseconds; also a handshake. */
const headersTimeoutMs = 10_000;

export class ApiServer implements Stoppable {
  private readonly options: ApiServerOptions;
  private readonly server: Server;
  private stopped: Promise<void> | undefined;

  private constructor(options: ApiServerOptions, server: Server) {
    this.options = options;
    this.server = server;
  }

  /** @throws LateenError LAT5118 */
  static async listen(options: ApiServerOptions): Promise<ApiServer> {
    const { host, port, handler } = options;
    const pipelines = new RequestPipelines(); // a watch has no end
    try {
      const server = createServer(
        {
          ...secureContext(options.certificate, options.clientAuthority),
          // Whoever has no certificate may still ask for the version; the handler refuses the rest.
          requestCert: true,
          rejectUnauthorized: false,
          handshakeTimeout: headersTimeoutMs,
          maxHeaderSize: headerBytesLimit,
          headersTimeout: headersTimeoutMs,
          requestTimeout: 3 * bodyDeadlineMs,
          connectionsCheckingInterval: 5000,
        },
        (request, response) => {
          if (pipelines.take(request, response)) handler.handle(request, response);
        },
      );
      server.maxConnections = connectionLimit;
      server.on("clientError", (_error, socket) => socket.destroy());
      // Upgrades and tunnels are not served; a socket left without a listener would hang.
      server.on("upgrade", (_request, socket) => socket.destroy());
      server.on("connect", (_request, socket) => socket.destroy());
      server.listen(port, host);
      await once(server, "listening");
      return new ApiServer(options, server);
    } catch (cause) {
      throw apiErrors.listenFailed(`the configuration API cannot listen on ${host}:${port}${listenReason(cause)}`, {
        cause,
        ...listenRemedy(cause),
      });
    }
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Takes up a renewed certificate; open connections stay. */
  useCertificate(certificate: ApiCertificate): void {
    this.server.setSecureContext(secureContext(certificate, this.options.clientAuthority));
  }

  stop(): Promise<void> {
    this.stopped ??= this.stopOnce();
    return this.stopped;
  }

  private async stopOnce(): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    await this.options.handler.stop();
    this.server.closeAllConnections();
    await closed;
  }
}

/** Everything a TLS context is made of: what is left out here would be lost when the certificate is replaced. */
function secureContext({ chain, key }: ApiCertificate, clientAuthority: string): SecureContextOptions {
  return {
    cert: chain.join(""),
    key: key.reveal(),
    ca: clientAuthority,
    minVersion: "TLSv1.2",
    // A session that is resumed would skip what the certificate proves now.
    secureOptions: crypto.SSL_OP_NO_TICKET,
  };
}
