// A real Envoy with a static configuration, and an application behind it that tells what it got.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type Json = Record<string, unknown>;

/** A port that was free a moment ago, for configurations that must name one. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

export class StaticEnvoy {
  private readonly folder: string;
  private readonly child: ChildProcess;

  private constructor(folder: string, child: ChildProcess) {
    this.folder = folder;
    this.child = child;
  }

  /** Resolves once it serves; rejects with its last words where it ends before. */
  static async start(path: string, bootstrap: Json): Promise<StaticEnvoy> {
    const folder = mkdtempSync(join(tmpdir(), "lateen-envoy-"));
    const config = join(folder, "envoy.json");
    writeFileSync(config, JSON.stringify(bootstrap));
    const args = ["--config-path", config, "--disable-hot-restart", "--concurrency", "1", "--log-level", "info"];
    const child = spawn(path, args, { stdio: ["ignore", "ignore", "pipe"] });
    const envoy = new StaticEnvoy(folder, child);
    const words: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      words.push(line);
      if (line.includes("starting main dispatch loop")) {
        child.stderr.resume();
        return envoy;
      }
    }
    await envoy.stop();
    throw new TypeError(`Envoy did not start: ${words.slice(-5).join("\n")}`);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill("SIGKILL");
      await once(this.child, "exit");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Answers each HTTP request with its own method, path and headers, as JSON. */
export async function startEcho(): Promise<{ port: number; stop(): Promise<void> }> {
  const server: Server = createHttpServer((request, response) => {
    const { method, url, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, path: url, headers }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A cluster of this name that leads to a port of this machine. */
export function clusterTo(name: string, port: number): Json {
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  return {
    name,
    type: "STATIC",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}
