// Envoy as a child of the agent: started, watched until it is live, started again when it dies, drained when it must end.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Backoff } from "../../kernel/backoff.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Counter, Gauge, Metrics } from "../../kernel/metric.ts";
import type { Random } from "../../kernel/random.ts";
import { agentErrors } from "../errors.ts";
import type { Owner } from "../socket/socket-folder.ts";
import type { AdminClient } from "./admin-client.ts";
import { drainTimeMs } from "./drain-time.ts";
import { EnvoyLog, envoyLogFormat } from "./envoy-log.ts";
import type { OutputPipe } from "./output-pipe.ts";

export type EnvoyState =
  | { readonly kind: "stopped" }
  /** Running, without its first configuration or with workers not started. */
  | { readonly kind: "starting"; readonly pid: number; readonly sinceMs: number }
  | { readonly kind: "live"; readonly pid: number; readonly sinceMs: number }
  /** Died; started again after `delayMs`. */
  | { readonly kind: "backoff"; readonly delayMs: number; readonly reason: string; readonly crashes: number }
  | { readonly kind: "stopping"; readonly pid: number };

export interface EnvoyProcessOptions {
  /** Absolute path of the binary. */
  path: string;
  /** Bootstrap file, readable by Envoy's user. */
  configPath: string;
  /** Worker threads; 0 for one per CPU. */
  concurrency: number;
  logLevel: "trace" | "debug" | "info" | "warning" | "error";
  /** Environment of the process; nothing else is in it. */
  env: Readonly<Record<string, string>>;
  /** Where standard output goes. */
  output: Pick<OutputPipe, "withWriter">;
  /** User to run as; only root can change it. */
  runAs: Owner | undefined;
  /** Longest time that connections may take to end by themselves when Envoy is stopped, milliseconds. */
  drainMs: number;
  admin: AdminClient;
  /** Told of each new process, so that a later agent can find one that was left behind. */
  onStart?: (pid: number) => void;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
}

/** How often Envoy is asked whether it is live, milliseconds; only while it starts. */
const readyIntervalMs = 100;
const readyTimeoutMs = 1_000;
/** First and longest wait before Envoy is started again, milliseconds (upper bounds; the wait is random below them). */
const retry = { firstMs: 500, maxMs: 30_000 };
/** A process that was live this long has proven itself: the next crash waits only shortly, milliseconds. */
const provenMs = 60_000;
/** How long Envoy may take to end after it was told to, before it is killed, milliseconds. */
const endMs = 5_000;
/** Longest wait for the answer to a request to drain, milliseconds. */
const drainRequestMs = 1_000;

export class EnvoyProcess implements Stoppable {
  private readonly options: EnvoyProcessOptions;
  private readonly backoff: Backoff;
  private readonly listeners = new Set<(state: EnvoyState) => void>();
  private readonly restarts: Counter;
  private readonly live: Gauge;
  private current: EnvoyState = { kind: "stopped" };
  private child: ChildProcess | undefined;
  private cancelTimer: Cancel | undefined;
  private crashes = 0;
  private stopping: Promise<void> | undefined;

  constructor(options: EnvoyProcessOptions) {
    this.options = options;
    this.backoff = new Backoff(retry, options.random);
    this.restarts = options.metrics.counter(
      "envoy_restarts",
      "Times that Envoy ended by itself and was started again.",
    );
    this.live = options.metrics.gauge("envoy_live", "1 while Envoy is live.");
  }

  get state(): EnvoyState {
    return this.current;
  }

  /** Tells about each state; returns the end of it. */
  onState(listener: (state: EnvoyState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    if (this.current.kind === "stopped" && this.stopping === undefined) this.launch();
  }

  /** Drains connections, then ends Envoy. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private launch(): void {
    const { clock, log, onStart } = this.options;
    let child: ChildProcess;
    try {
      child = this.spawn();
    } catch (error) {
      this.crashed(describeError(error));
      return;
    }
    const output = new EnvoyLog(log, clock);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => output.write(text));
    this.child = child;
    child.on("error", (error) => this.ended(child, describeError(error)));
    child.on("close", (code, signal) => {
      output.end();
      const words = output.lastWords === "" ? "" : `: ${output.lastWords}`;
      this.ended(child, `ended with ${signal ?? `status ${code}`}${words}`);
    });
    const { pid } = child;
    if (pid === undefined) return; // the error event says why
    onStart?.(pid);
    this.enter({ kind: "starting", pid, sinceMs: clock.monotonic() });
    this.watchReady(child, pid);
  }

  private spawn(): ChildProcess {
    return this.options.output.withWriter((stdout) => this.spawnWith(stdout));
  }

  private spawnWith(stdout: number): ChildProcess {
    const { path, configPath, concurrency, env, logLevel, runAs } = this.options;
    const args = [
      ...["--config-path", configPath],
      // Its shared memory would stay after every Envoy, and two agents on one host could meet there.
      "--disable-hot-restart",
      ...(concurrency > 0 ? ["--concurrency", String(concurrency)] : []),
      ...["--log-level", logLevel],
      ...["--log-format", envoyLogFormat],
      "--skip-deprecated-logs",
      ...["--drain-strategy", "immediate", "--drain-time-s", String(drainTimeMs / 1000)],
    ];
    if (runAs === undefined) return spawn(path, args, { env, stdio: ["ignore", stdout, "pipe"] });
    // Opened before the user changes: the binary may lie where only root can look, as the cache in /root does.
    const binary = openSync(path, "r");
    try {
      return spawn("/proc/self/fd/3", args, {
        env,
        argv0: path,
        uid: runAs.uid,
        gid: runAs.gid,
        cwd: "/",
        stdio: ["ignore", stdout, "pipe", binary],
      });
    } finally {
      closeSync(binary);
    }
  }

  private watchReady(child: ChildProcess, pid: number): void {
    const { admin, clock, log } = this.options;
    const ask = async (): Promise<void> => {
      const isLive = await admin.isLive(readyTimeoutMs);
      if (this.child !== child || this.current.kind !== "starting") return;
      if (!isLive) {
        this.cancelTimer = clock.after(readyIntervalMs, () => void ask());
        return;
      }
      const tookMs = clock.monotonic() - this.current.sinceMs;
      log.info("Envoy is live", { pid, tookMs: Math.round(tookMs) });
      this.live.set(1);
      this.enter({ kind: "live", pid, sinceMs: clock.monotonic() });
    };
    this.cancelTimer = clock.after(readyIntervalMs, () => void ask());
  }

  private ended(child: ChildProcess, reason: string): void {
    if (this.child !== child) return;
    this.child = undefined;
    if (this.current.kind === "stopping") {
      this.enter({ kind: "stopped" });
      return;
    }
    const { current } = this;
    if (current.kind === "live" && this.options.clock.monotonic() - current.sinceMs >= provenMs) {
      this.backoff.reset();
      this.crashes = 0;
    }
    this.crashed(reason);
  }

  private crashed(reason: string): void {
    const { clock, log } = this.options;
    this.cancelTimer?.();
    this.live.set(0);
    this.restarts.inc();
    this.crashes += 1;
    const delayMs = this.backoff.next();
    const failure = agentErrors.envoyFailed(`Envoy ${reason}`);
    log.error(failure.message, { code: failure.code, crashes: this.crashes, retryInMs: Math.round(delayMs) });
    this.enter({ kind: "backoff", delayMs, reason, crashes: this.crashes });
    this.cancelTimer = clock.after(delayMs, () => this.launch());
  }

  private async end(): Promise<void> {
    const { admin, drainMs, log } = this.options;
    this.cancelTimer?.();
    const { child } = this;
    if (child?.pid === undefined) {
      this.enter({ kind: "stopped" });
      return;
    }
    const wasLive = this.current.kind === "live";
    this.live.set(0);
    this.enter({ kind: "stopping", pid: child.pid });
    const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
    if (wasLive && drainMs > 0) {
      const path = "/drain_listeners?graceful&skip_exit";
      const request = { method: "POST", path, limitBytes: 1024, timeoutMs: drainRequestMs } as const;
      await admin
        .ask(request)
        .catch((error: unknown) => log.warn("Envoy does not drain", { error: describeError(error) }));
      await this.within(gone, drainMs);
    }
    child.kill("SIGTERM");
    if (!(await this.within(gone, endMs))) {
      log.warn("Envoy did not end; killing it", { afterMs: endMs });
      child.kill("SIGKILL");
      await gone;
    }
  }

  /** True where the promise settled in time. */
  private within(promise: Promise<void>, limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.options.clock.after(limitMs, () => resolve(false));
      void promise.then(() => {
        cancel();
        resolve(true);
      });
    });
  }

  private enter(state: EnvoyState): void {
    this.current = state;
    for (const listener of this.listeners) listener(state);
  }
}
