// A client as any application has one: plain HTTP, names resolved by the machine. Prints one JSON object with what it saw.
//
// Usage: node call.ts URL COUNT [RATE per second; 0: one after the other]
import { Agent, get } from "node:http";

const [url = "", count = "1", rate = "0"] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

export interface Calls {
  sent: number;
  statuses: Record<string, number>;
  versions: Record<string, number>;
  callers: string[];
  /** Requests that the mesh tried more than once. */
  retried: number;
  /** Milliseconds from the start to the first answer with status 200. */
  firstOkMs: number | undefined;
  error: string | undefined;
}

const startMs = performance.now();
const calls: Calls = {
  sent: 0,
  statuses: {},
  versions: {},
  callers: [],
  retried: 0,
  firstOkMs: undefined,
  error: undefined,
};

function call(): Promise<void> {
  calls.sent += 1;
  return new Promise((resolve) => {
    const failed = (error: Error): void => {
      calls.statuses["error"] = (calls.statuses["error"] ?? 0) + 1;
      calls.error = error.message;
      resolve();
    };
    const request = get(url, { agent, timeout: 10_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("error", failed);
      response.on("end", () => {
        take(response.statusCode ?? 0, body);
        resolve();
      });
    });
    request.on("timeout", () => request.destroy(new TypeError("no answer within 10 s")));
    request.on("error", failed);
  });
}

function take(status: number, body: string): void {
  calls.statuses[status] = (calls.statuses[status] ?? 0) + 1;
  if (status !== 200) return;
  calls.firstOkMs ??= Math.round(performance.now() - startMs);
  const { version, caller, attempt } = JSON.parse(body) as { version: string; caller?: string; attempt: number };
  calls.versions[version] = (calls.versions[version] ?? 0) + 1;
  if (caller !== undefined && !calls.callers.includes(caller)) calls.callers.push(caller);
  if (attempt > 1) calls.retried += 1;
}

if (Number(rate) === 0) for (let i = 0; i < Number(count); i++) await call();
else {
  // At a fixed rate, whether answers come or not, so that an outage is not hidden by waiting for it.
  const pending: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      pending.push(call());
      if (calls.sent < Number(count)) return;
      clearInterval(timer);
      resolve();
    }, 1000 / Number(rate));
  });
  await Promise.all(pending);
}
agent.destroy();
console.log(JSON.stringify(calls));
