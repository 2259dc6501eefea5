// Profiles of this process: where its time goes, what allocates its memory, and the heap as a whole. One at a time.
//
// node:v8 rather than node:inspector: it bounds the samples, collects no garbage for a heap profile, and hands out the JSON
// without taking it apart and putting it together again, which held up the event loop for ten times as long.
import { once } from "node:events";
import type { Readable } from "node:stream";
import { getHeapSnapshot, startCpuProfile, startHeapProfile } from "node:v8";
import type { Clock } from "../../kernel/clock.ts";
import { StatusError } from "../api/status-error.ts";

/** Longest profile, seconds. */
export const longestSeconds = 60;
/** As istiod's. */
export const defaultSeconds = 30;
/** Samples of a CPU profile: the longest takes one each 2 ms, shorter ones one each millisecond. */
const sampleLimit = 30_000;
const shortestSampleMs = 1;
/** Bytes allocated between two samples of a heap profile, on average; half of V8's default, which is made to run always. */
const heapSampleBytes = 256 << 10;

/** What makes profiles; another in tests. */
export interface ProfilingTools {
  readonly startCpuProfile: (options: { sampleInterval: number; maxBufferSize: number }) => { stop(): string };
  readonly startHeapProfile: (options: { sampleInterval: number }) => { stop(): string };
  readonly getHeapSnapshot: () => Readable;
}

const v8Tools: ProfilingTools = { startCpuProfile, startHeapProfile, getHeapSnapshot };

export class Profiler {
  private readonly clock: Clock;
  private readonly tools: ProfilingTools;
  private readonly onWork: (what: string, tookMs: number) => void;
  private running: string | undefined;

  constructor(options: { clock: Clock; onWork?: (what: string, tookMs: number) => void; tools?: ProfilingTools }) {
    this.clock = options.clock;
    this.onWork = options.onWork ?? (() => {});
    this.tools = options.tools ?? v8Tools;
  }

  /**
   * The JSON of a `.cpuprofile`. V8 goes through the heap once as it starts: 0.1 s, 0.3 s with a heap of 300 MB.
   *
   * @throws StatusError 429 while another profile is being made
   */
  cpu(seconds: number, signal: AbortSignal): Promise<string> {
    const sampleInterval = Math.max(shortestSampleMs, Math.ceil((seconds * 1000) / sampleLimit));
    return this.record("a CPU profile", { seconds, signal }, () =>
      this.tools.startCpuProfile({ sampleInterval, maxBufferSize: sampleLimit }),
    );
  }

  /**
   * The JSON of a `.heapprofile`: what was allocated in that time and is still alive, by who allocated it.
   *
   * @throws StatusError 429 while another profile is being made
   */
  heap(seconds: number, signal: AbortSignal): Promise<string> {
    return this.record("a heap profile", { seconds, signal }, () =>
      this.tools.startHeapProfile({ sampleInterval: heapSampleBytes }),
    );
  }

  /**
   * The whole heap. The process stands still while it is made, seconds for hundreds of megabytes, and needs as much memory
   * again; it holds everything the process knows, private keys included.
   *
   * @throws StatusError 429 while another profile is being made
   */
  snapshot(): Readable {
    this.begin("a heap snapshot");
    try {
      const stream = this.measured("making a heap snapshot", () => this.tools.getHeapSnapshot());
      stream.once("close", () => {
        this.running = undefined;
      });
      return stream;
    } catch (error) {
      this.running = undefined;
      throw error;
    }
  }

  private async record(
    what: string,
    options: { seconds: number; signal: AbortSignal },
    start: () => { stop(): string },
  ): Promise<string> {
    this.begin(what);
    try {
      const handle = this.measured(`starting ${what}`, start);
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = this.clock.after(options.seconds * 1000, resolve);
      if (!options.signal.aborted) await Promise.race([promise, once(options.signal, "abort")]);
      cancel();
      return this.measured(`ending ${what}`, () => handle.stop());
    } finally {
      this.running = undefined;
    }
  }

  private begin(what: string): void {
    if (this.running !== undefined) {
      throw new StatusError("tooManyRequests", `${this.running} is being made; there is one at a time`);
    }
    this.running = what;
  }

  private measured<T>(what: string, work: () => T): T {
    const startMs = this.clock.monotonic();
    const result = work();
    this.onWork(what, this.clock.monotonic() - startMs);
    return result;
  }
}
