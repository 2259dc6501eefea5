// Preloaded into the measured control plane (`node --import`): answers questions about its event loop and memory over a Unix
// socket, so that the figures are the process's own.
import { rmSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { createServer } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { writeHeapSnapshot } from "node:v8";
import { isMainThread } from "node:worker_threads";

/** What a line `figures` is answered with; the counts start anew. */
export interface ProbeFigures {
  /** Longest delay of a timer beyond its time, milliseconds. */
  stallMs: number;
  cpuMs: number;
  rssMb: number;
  heapMb: number;
  externalMb: number;
  /** Timers of the program itself, also those that do not keep the process alive. */
  timers: number;
  /** What keeps the process alive, by kind as Node names it: `TCPSocketWrap`, `FSEventWrap`, … */
  active: Record<string, number>;
}

const socketPath = process.env["LATEEN_BENCH_PROBE"];
/** Resolution of the delay, milliseconds; node counts it as part of the delay. A finer one costs the program 2 % of a core. */
const resolution = 5;

if (socketPath !== undefined && isMainThread) {
  const timers = countTimers();
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  let session: Session | undefined;
  const answer = async (line: string): Promise<unknown> => {
    if (line === "figures") {
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed, external } = process.memoryUsage();
      const stallMs = Math.max(0, delay.max / 1e6 - resolution);
      delay.reset();
      const mb = (bytes: number): number => bytes / (1 << 20);
      const active: Record<string, number> = {};
      for (const kind of process.getActiveResourcesInfo()) active[kind] = (active[kind] ?? 0) + 1;
      return {
        ...{ stallMs, cpuMs: (user + system) / 1000, timers: timers.size, active },
        ...{ rssMb: mb(rss), heapMb: mb(heapUsed), externalMb: mb(external) },
      };
    }
    if (line === "collect") {
      (globalThis as { gc?: () => void }).gc?.();
      delay.reset();
      return {};
    }
    if (line.startsWith("snapshot ")) return { file: writeHeapSnapshot(line.slice("snapshot ".length)) };
    if (line === "profile") {
      session = new Session();
      session.connect();
      await session.post("Profiler.enable");
      await session.post("Profiler.setSamplingInterval", { interval: 200 });
      await session.post("Profiler.start");
      return {};
    }
    const profile = await session?.post("Profiler.stop");
    session?.disconnect();
    return profile?.profile ?? {};
  };
  rmSync(socketPath, { force: true });
  const server = createServer((socket) => {
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (text: string) => {
      for (const line of text.trim().split("\n")) {
        void answer(line).then((value) => socket.write(`${JSON.stringify(value)}\n`));
      }
    });
  });
  server.listen(socketPath);
  server.unref();
}

/** Puts wrappers around the timers that every module uses; Node itself lists only those that keep the process alive. */
function countTimers(): ReadonlySet<unknown> {
  const armed = new Set<unknown>();
  const { setTimeout: arm, setInterval: armEvery, clearTimeout: disarm, clearInterval: disarmEvery } = globalThis;
  const wrapped = {
    setTimeout: (fn: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): unknown => {
      const fire = (...given: unknown[]): void => {
        armed.delete(timer);
        fn(...given);
      };
      const timer = arm(fire, ms, ...args);
      armed.add(timer);
      return timer;
    },
    setInterval: (fn: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): unknown => {
      const timer = armEvery(fn, ms, ...args);
      armed.add(timer);
      return timer;
    },
    clearTimeout: (timer: NodeJS.Timeout | undefined): void => {
      armed.delete(timer);
      disarm(timer);
    },
    clearInterval: (timer: NodeJS.Timeout | undefined): void => {
      armed.delete(timer);
      disarmEvery(timer);
    },
  };
  // `util.promisify(setTimeout)` reads a property of the function.
  Object.setPrototypeOf(wrapped.setTimeout, arm);
  Object.assign(globalThis, wrapped);
  return armed;
}
