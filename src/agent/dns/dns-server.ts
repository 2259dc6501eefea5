// The machine's resolver: UDP and TCP on loopback.
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, isIPv6, type Server } from "node:net";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Metrics } from "../../kernel/metric.ts";
import type { Random } from "../../kernel/random.ts";
import type { DnsTransport } from "./dns-answer.ts";
import { DnsConnections } from "./dns-connections.ts";
import { DnsForwarder } from "./dns-forwarder.ts";
import { createDnsMetrics } from "./dns-metrics.ts";
import { createDnsResolver, type DnsResolver } from "./dns-resolver.ts";
import { dnsErrors } from "./errors.ts";
import type { NameLookup } from "./name-table.ts";
import type { Upstream } from "./upstream.ts";

export interface DnsServerOptions {
  /** The names in force; undefined before the first table, when names of the mesh's domain get SERVFAIL. */
  table: () => NameLookup | undefined;
  /** The mesh's own domain, such as `cluster.local`; lower case. */
  domainSuffix: () => string;
  /** The machine's own resolvers, in order. Those that are this server are left out. */
  upstreams: () => readonly Upstream[];
  /** Of `/etc/resolv.conf`, lower case. */
  searchDomains: () => readonly string[];
  /** Loopback addresses. Those that the machine does not have are left out until it has them; the first must be there. */
  addresses?: readonly string[];
  /** 0 takes a free one. */
  port?: number;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
}

/** Istio's `DNS_PROXY_ADDR`. */
const defaultPort = 15053;
const defaultAddresses = ["127.0.0.1", "::1"];

/** A burst of queries waits in the kernel, bytes. */
const receiveBufferBytes = 1 << 20;

/** Between two looks for addresses that were missing, milliseconds: IPv6 is switched on and off without telling anybody. */
const missingEveryMs = 10_000;

/** Tries to find one port that is free for UDP and TCP on every address, where the port may be chosen. */
const portAttempts = 10;

interface Listener {
  readonly address: string;
  readonly udp: UdpSocket;
  readonly tcp: Server;
}

export class DnsServer implements Stoppable {
  private readonly options: DnsServerOptions;
  private readonly forwarder: DnsForwarder;
  private readonly resolver: DnsResolver;
  private readonly connections: DnsConnections;
  /** UDP clients that wait for a resolver; as many as the forwarder takes. */
  private readonly waiting = new Set<Promise<void>>();
  private listeners: Listener[] = [];
  private readonly missing = new Set<string>();
  private cancelRetry: Cancel | undefined;
  private retrying: Promise<void> | undefined;
  private boundPort = 0;

  constructor(options: DnsServerOptions) {
    this.options = options;
    const metrics = createDnsMetrics(options.metrics);
    this.forwarder = new DnsForwarder({ ...options, metrics, isOwnAddress: (upstream) => this.isOwn(upstream) });
    this.resolver = createDnsResolver({ ...options, metrics, forwarder: this.forwarder });
    this.connections = new DnsConnections({
      clock: options.clock,
      metrics,
      answer: (message) => this.answer(message, "tcp"),
    });
  }

  /**
   * @throws LateenError LAT4301
   */
  async start(): Promise<void> {
    const { port = defaultPort, addresses = defaultAddresses, clock, log } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.listen(addresses, port);
        log.info("DNS server listening", { addresses: this.listeners.map(({ address }) => address), port: this.port });
        if (this.missing.size > 0) {
          this.cancelRetry = clock.every(missingEveryMs, () => {
            this.retrying ??= this.retryMissing().finally(() => {
              this.retrying = undefined;
            });
          });
        }
        return;
      } catch (cause) {
        await this.close();
        if (port === 0 && attempt < portAttempts && codeOf(cause) === "EADDRINUSE") continue;
        throw dnsErrors.cannotListen(`the DNS server cannot listen on port ${port}`, { cause });
      }
    }
  }

  /** The port of every listener; 0 before `start`. */
  get port(): number {
    return this.boundPort;
  }

  /** Whoever still waits for a resolver is told at once that there will be no answer. */
  async stop(): Promise<void> {
    this.cancelRetry?.();
    this.forwarder.stop();
    await this.retrying;
    await Promise.all(this.waiting);
    await this.close();
  }

  private async listen(addresses: readonly string[], port: number): Promise<void> {
    this.boundPort = port;
    this.missing.clear();
    for (const address of addresses) {
      try {
        await this.listenAt(address);
      } catch (error) {
        if (address === addresses[0] || !isMissing(error)) throw error;
        this.missing.add(address);
        this.options.log.info("the machine has no such address; no DNS server on it", { address });
      }
    }
  }

  private async retryMissing(): Promise<void> {
    const { log } = this.options;
    for (const address of this.missing) {
      try {
        await this.listenAt(address);
        log.info("DNS server listening", { addresses: [address], port: this.port });
      } catch (error) {
        if (isMissing(error)) continue;
        log.error("the DNS server cannot listen", { address, error: describeError(error) });
      }
      this.missing.delete(address);
    }
    if (this.missing.size === 0) this.cancelRetry?.();
  }

  /** Rejects with the system's error. */
  private async listenAt(address: string): Promise<void> {
    const tcp = createServer();
    const udp = createSocket({ type: isIPv6(address) ? "udp6" : "udp4", recvBufferSize: receiveBufferBytes });
    const listener = { address, udp, tcp };
    try {
      tcp.listen(this.boundPort, address);
      await once(tcp, "listening");
      const bound = tcp.address();
      if (bound !== null && typeof bound !== "string") this.boundPort = bound.port;
      udp.bind(this.boundPort, address);
      await once(udp, "listening");
    } catch (error) {
      udp.close();
      tcp.close();
      throw error;
    }
    this.listeners.push(listener);
    this.serve(listener);
  }

  private serve({ udp, tcp }: Listener): void {
    const { log } = this.options;
    this.connections.serve(tcp);
    tcp.on("error", (error) => log.error("the DNS server's TCP socket failed", { error: describeError(error) }));
    udp.on("error", (error) => log.error("the DNS server's UDP socket failed", { error: describeError(error) }));
    udp.on("message", (message, from) => {
      const reply = (answer: Uint8Array | undefined): void => {
        // A client that is gone is nobody's concern.
        if (answer !== undefined) udp.send(answer, from.port, from.address, () => {});
      };
      const answer = this.answer(message, "udp");
      if (!(answer instanceof Promise)) return reply(answer);
      const sent = answer.then(reply).finally(() => this.waiting.delete(sent));
      this.waiting.add(sent);
    });
  }

  /** A defect in the resolver must cost one answer, not the server. */
  private answer(message: Uint8Array, transport: DnsTransport): ReturnType<DnsResolver["answer"]> {
    try {
      return this.resolver.answer(message, transport);
    } catch (error) {
      this.options.log.error("a DNS query could not be answered", { error: describeError(error) });
      return undefined;
    }
  }

  private isOwn(upstream: Upstream): boolean {
    return upstream.port === this.boundPort && this.listeners.some(({ address }) => address === upstream.address);
  }

  private async close(): Promise<void> {
    const listeners = this.listeners;
    this.listeners = [];
    this.connections.closeAll();
    await Promise.all(
      listeners.map(async ({ udp, tcp }) => {
        await new Promise<void>((resolve) => {
          tcp.close(() => resolve());
        });
        await new Promise<void>((resolve) => {
          try {
            udp.close(() => resolve());
          } catch {
            resolve(); // it never was open
          }
        });
      }),
    );
  }
}

function isMissing(error: unknown): boolean {
  return ["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(codeOf(error) ?? "");
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code;
}
