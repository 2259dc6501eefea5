// Runs on the control plane's host, where its API listens: applies and deletes objects, one connection for all.
//
// Usage: node api-writer.ts KUBECONFIG. Standard input: lines of `ApiWrite`. Standard output: a line of `ApiWritten` for each.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";

export interface ApiWrite {
  id: number;
  method: "PATCH" | "DELETE";
  path: string;
  body?: unknown;
}

export interface ApiWritten {
  id: number;
  status: number;
  /** What the server says of a write that failed. */
  detail: string;
}

const text = readFileSync(process.argv[2] ?? "", "utf8");
const read = (name: string): Buffer =>
  Buffer.from(new RegExp(`"${name}-data": "([^"]+)"`).exec(text)?.[1] ?? "", "base64");
const server = new URL(/"server": "([^"]+)"/.exec(text)?.[1] ?? "");
const agent = new Agent({
  ...{ keepAlive: true, maxSockets: 4 },
  ...{ ca: read("certificate-authority"), cert: read("client-certificate"), key: read("client-key") },
});

function write(asked: ApiWrite): Promise<ApiWritten> {
  const { id, method, path, body } = asked;
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { "content-type": "application/apply-patch+yaml" };
    const outgoing = request(new URL(path, server), { agent, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const { statusCode: status = 0 } = response;
        resolve({ id, status, detail: status < 300 ? "" : Buffer.concat(chunks).toString().slice(0, 1000) });
      });
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      // The server may close a connection that rests just as it is used again; each write may be made twice.
      if (outgoing.reusedSocket && error.code === "ECONNRESET") resolve(write(asked));
      else resolve({ id, status: 0, detail: error.message });
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

createInterface({ input: process.stdin }).on("line", (line) => {
  void write(JSON.parse(line) as ApiWrite).then((written) => console.log(JSON.stringify(written)));
});
