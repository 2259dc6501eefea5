// Runs on a machine, beside its Envoy: tells when a page of the admin interface shows something. Envoy has no event for it.
//
// Standard input: lines of `EnvoyWatch`. Standard output: a line of `EnvoySeen` for each.
import { get } from "node:http";
import { createInterface } from "node:readline";

export interface EnvoyWatch {
  id: number;
  path: string;
  /** What the page is to show, and how often at least; an empty text is there at once. */
  text: string;
  times: number;
  /** The page is given back. */
  whole?: boolean;
}

export interface EnvoySeen {
  id: number;
  /** CLOCK_MONOTONIC, milliseconds; undefined where it was not seen in time. */
  atMs?: number;
  page?: string;
}

/** Between two looks: milliseconds at the beginning, then a share of the time passed. Each look costs Envoy's main thread time. */
const everyMs = 50;
const everyShare = 0.1;
const watchMs = 20_000;

async function watch({ id, path, text, times, whole }: EnvoyWatch): Promise<EnvoySeen> {
  const startMs = performance.now();
  for (;;) {
    const page = await read(path).catch(() => "");
    if (page !== "" && (text === "" || page.split(text).length > times)) {
      const atMs = Number(process.hrtime.bigint()) / 1e6;
      return { id, atMs, ...(whole === true ? { page } : {}) };
    }
    const passedMs = performance.now() - startMs;
    if (passedMs > watchMs) return { id, ...(whole === true ? { page } : {}) };
    await new Promise((resolve) => setTimeout(resolve, Math.max(everyMs, everyShare * passedMs)));
  }
}

function read(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port: 15000, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve(Buffer.concat(chunks).toString()));
    }).on("error", reject);
  });
}

createInterface({ input: process.stdin }).on("line", (line) => {
  void watch(JSON.parse(line) as EnvoyWatch).then((seen) => console.log(JSON.stringify(seen)));
});
