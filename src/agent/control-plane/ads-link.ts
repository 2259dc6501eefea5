// The agent's connection to the control plane's ADS: dialled, watched, and dialled again.
import { type ClientHttp2Session, connect } from "node:http2";
import { Backoff } from "../../kernel/backoff.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Counter, Gauge, Metrics } from "../../kernel/metric.ts";
import type { Random } from "../../kernel/random.ts";
import { capabilitiesHeader, parseCapabilities } from "../../xds/capability.ts";
import { ClientCall } from "../grpc/client-call.ts";
import type { UpstreamListener } from "../xds-relay/xds-relay.ts";
import { type ControlPlaneAddress, formatControlPlaneAddress } from "./control-plane-address.ts";
import { Liveness } from "./liveness.ts";
import { type TlsMaterial, tlsOptions } from "./tls-material.ts";

export type LinkState =
  | { readonly kind: "idle" }
  | { readonly kind: "dialling"; readonly attempt: number }
  /** The stream is open; `proven` once the control plane has sent something. */
  | { readonly kind: "connected"; readonly proven: boolean }
  | { readonly kind: "waiting"; readonly delayMs: number; readonly reason: string }
  | { readonly kind: "stopped" };

export interface AdsLinkOptions {
  address: ControlPlaneAddress;
  /** Name to verify instead of the host. */
  serverName?: string;
  /** True for Lateen's control plane, which pings every 3 s. */
  serverPings: boolean;
  /** What to prove and trust, asked for at each dial. */
  material: () => TlsMaterial;
  /** Takes a new stream. */
  open: (send: (message: Uint8Array) => void) => UpstreamListener;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
}

/** gRPC path of delta ADS, on the control plane and on the agent's own socket. */
export const adsPath = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
/** Longest time for TCP and TLS, milliseconds. */
const dialDeadlineMs = 10_000;
/**
 * Full jitter: uniform below 5 s first, then below 10 s, so that a fleet does not come back at once. Not longer: a control
 * plane that is away costs an attempt next to nothing, and one that is back lets machines in at its own pace.
 */
const retry = { firstMs: 5_000, maxMs: 10_000 };
/** Longest message of the control plane, bytes. */
const messageLimitBytes = 64 << 20;
/** Flow-control windows, bytes: large enough that a far control plane is not waited for at each 64 KiB. */
const streamWindowBytes = 4 << 20;
const connectionWindowBytes = 8 << 20;

/** One attempt with all that belongs to it. */
interface Attempt {
  session: ClientHttp2Session;
  cancelDeadline: Cancel;
  liveness: Liveness | undefined;
  call: ClientCall | undefined;
  listener: UpstreamListener | undefined;
}

export class AdsLink implements Stoppable {
  private readonly options: AdsLinkOptions;
  private readonly backoff: Backoff;
  private readonly listeners = new Set<(state: LinkState) => void>();
  private readonly failures: Counter;
  private readonly terminations: Counter;
  private readonly connected: Gauge;
  private current: LinkState = { kind: "idle" };
  private attempt: Attempt | undefined;
  private attempts = 0;
  private cancelWait: Cancel | undefined;

  constructor(options: AdsLinkOptions) {
    this.options = options;
    this.backoff = new Backoff(retry, options.random);
    const { metrics } = options;
    this.failures = metrics.counter("istiod_connection_failures", "Attempts that did not reach the control plane.");
    this.terminations = metrics.counter(
      "istiod_connection_terminations",
      "Connections to the control plane that ended.",
    );
    this.connected = metrics.gauge("istiod_connected", "1 while an ADS stream to the control plane is open.");
  }

  get state(): LinkState {
    return this.current;
  }

  /** Tells about each state; returns the end of it. */
  onState(listener: (state: LinkState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    if (this.current.kind === "idle") this.dial();
  }

  /** Connects again at once, with new material; what was received stays. Does nothing while no connection is open or tried. */
  redial(): void {
    if (this.attempt === undefined) return;
    this.release();
    this.dial();
  }

  async stop(): Promise<void> {
    this.cancelWait?.();
    this.release();
    this.enter({ kind: "stopped" });
  }

  private dial(): void {
    const { address, material, serverName, clock } = this.options;
    this.attempts += 1;
    this.enter({ kind: "dialling", attempt: this.attempts });
    const session = connect(formatControlPlaneAddress(address), {
      ...tlsOptions(material(), address, serverName),
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      maxSessionMemory: 128, // megabytes; a message of the largest size and its chunks
    });
    const attempt: Attempt = {
      session,
      cancelDeadline: clock.after(dialDeadlineMs, () => this.lose(attempt, `no answer in ${dialDeadlineMs / 1000} s`)),
      liveness: undefined,
      call: undefined,
      listener: undefined,
    };
    this.attempt = attempt;
    session.on("error", (error) => this.lose(attempt, describeError(error)));
    session.on("close", () => this.lose(attempt, "the connection was closed"));
    session.on("goaway", () => this.lose(attempt, "the control plane is going away"));
    session.on("connect", () => {
      if (this.attempt === attempt) this.openStream(attempt);
    });
  }

  private openStream(attempt: Attempt): void {
    const { session } = attempt;
    attempt.cancelDeadline();
    session.setLocalWindowSize(connectionWindowBytes);
    attempt.liveness = new Liveness({
      session,
      clock: this.options.clock,
      serverPings: this.options.serverPings,
      onDead: (silentMs) => this.lose(attempt, `nothing was heard for ${Math.round(silentMs / 1000)} s`),
    });
    attempt.call = new ClientCall(session, {
      path: adsPath,
      limitBytes: messageLimitBytes,
      onActivity: () => attempt.liveness?.activity(),
      onHeaders: (headers) => {
        const capabilities = parseCapabilities(headers[capabilitiesHeader]);
        if (this.attempt === attempt) attempt.listener?.announced(capabilities);
      },
      onMessage: (message) => {
        if (this.attempt !== attempt) return;
        this.proven();
        attempt.listener?.message(message);
      },
      onEnd: ({ status, message }) =>
        this.lose(attempt, `the stream ended with gRPC status ${status} ${message}`.trim()),
    });
    const { call } = attempt;
    this.enter({ kind: "connected", proven: false });
    this.connected.set(1);
    try {
      attempt.listener = this.options.open((message) => call.send(message));
    } catch (error) {
      this.lose(attempt, describeError(error));
    }
  }

  private proven(): void {
    if (this.current.kind !== "connected" || this.current.proven) return;
    this.backoff.reset();
    this.attempts = 0;
    this.enter({ kind: "connected", proven: true });
  }

  private lose(attempt: Attempt, reason: string): void {
    if (this.attempt !== attempt) return;
    const wasConnected = this.current.kind === "connected";
    if (wasConnected) this.terminations.inc();
    else this.failures.inc();
    this.release();
    const delayMs = this.backoff.next();
    this.options.log.warn("no connection to the control plane; serving what is known", {
      address: formatControlPlaneAddress(this.options.address),
      reason,
      retryInMs: Math.round(delayMs),
    });
    this.enter({ kind: "waiting", delayMs, reason });
    this.cancelWait = this.options.clock.after(delayMs, () => this.dial());
  }

  /** Lets go of the attempt, whatever state it is in. */
  private release(): void {
    const { attempt } = this;
    if (attempt === undefined) return;
    this.attempt = undefined;
    this.connected.set(0);
    attempt.cancelDeadline();
    attempt.liveness?.stop();
    attempt.listener?.closed();
    attempt.call?.cancel();
    attempt.session.destroy();
  }

  private enter(state: LinkState): void {
    this.current = state;
    for (const listener of this.listeners) listener(state);
  }
}
