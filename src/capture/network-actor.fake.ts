// A process inside a network namespace that serves ports and makes connections when a test tells it to.
//
// This file is both sides: imported it starts actors; run by Node with `actor` as argument it is one.
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { NetworkNamespace } from "./network-namespace.fake.ts";

type Order =
  | { op: "serve"; host: string; port: number }
  | { op: "ask"; protocol: "tcp" | "udp"; host: string; port: number; fromPort?: number }
  | { op: "hold"; host: string; port: number }
  | { op: "use" };

export interface NetworkActor {
  /** Serves TCP and UDP; whoever connects is told `<label>:<port>`. */
  serve(host: string, ...ports: number[]): Promise<void>;
  /** What the server at the other end says, or the error code. */
  ask(protocol: "tcp" | "udp", host: string, port: number, fromPort?: number): Promise<string>;
  /** Opens a TCP connection and keeps it; `use` sends a line through it and returns the echo. */
  hold(host: string, port: number): Promise<string>;
  use(): Promise<string>;
  stop(): Promise<void>;
}

export async function startActor(namespace: NetworkNamespace, label: string, uid = 0): Promise<NetworkActor> {
  const own = [process.execPath, import.meta.filename, "actor", label, String(uid)];
  const [program = "", ...args] = [...namespace.prefix, ...own];
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  await once(child, "message");
  const exited = once(child, "exit");
  const died = exited.then(() => Promise.reject(new Error(`the actor ${label} died`)));
  died.catch(() => {});
  let queue: Promise<unknown> = Promise.resolve();
  const order = (message: Order): Promise<string> => {
    const answer = queue.then(async () => {
      const reply = once(child, "message");
      child.send(message);
      return String((await Promise.race([reply, died]))[0]);
    });
    queue = answer.catch(() => {});
    return answer;
  };
  return {
    serve: async (host, ...ports) => {
      for (const port of ports) {
        const result = await order({ op: "serve", host, port });
        if (result !== "serving") throw new Error(`${label} cannot serve ${host} ${port}: ${result}`);
      }
    },
    ask: (protocol, host, port, fromPort) =>
      order({ op: "ask", protocol, host, port, ...(fromPort === undefined ? {} : { fromPort }) }),
    hold: (host, port) => order({ op: "hold", host, port }),
    use: () => order({ op: "use" }),
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** Nothing answers: given up after this. Only reached by tests that fail. */
const patienceMs = 2_000;

function actor(label: string): void {
  let held: Socket | undefined;
  const serve = async (host: string, port: number): Promise<string> => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.write(`${label}:${port}\n`);
      socket.pipe(socket);
    });
    server.listen({ port, host, ipv6Only: true });
    await once(server, "listening");
    const udp = createSocket({ type: host.includes(":") ? "udp6" : "udp4", ipv6Only: host.includes(":") });
    udp.on("message", (_, from) => udp.send(`${label}:${port}\n`, from.port, from.address));
    udp.bind(port, host);
    await once(udp, "listening");
    return "serving";
  };
  const line = async (socket: Socket): Promise<string> => String((await once(socket, "data"))[0]).trim();
  const askTcp = async (host: string, port: number): Promise<string> => {
    const socket = connect({ host, port, timeout: patienceMs });
    socket.on("timeout", () => socket.destroy(new Error("silence")));
    const text = await line(socket);
    socket.destroy();
    return text;
  };
  const askUdp = async (host: string, port: number, fromPort = 0): Promise<string> => {
    const udp = createSocket(host.includes(":") ? "udp6" : "udp4");
    try {
      udp.bind(fromPort);
      await once(udp, "listening");
      udp.connect(port, host);
      await once(udp, "connect");
      udp.send("hello");
      return String((await once(udp, "message", { signal: AbortSignal.timeout(patienceMs) }))[0]).trim();
    } finally {
      udp.close();
    }
  };
  const carryOut = async (message: Order): Promise<string> => {
    switch (message.op) {
      case "serve":
        return serve(message.host, message.port);
      case "ask":
        return message.protocol === "tcp"
          ? askTcp(message.host, message.port)
          : askUdp(message.host, message.port, message.fromPort);
      case "hold":
        held = connect({ host: message.host, port: message.port });
        return line(held);
      case "use":
        if (held === undefined) return "nothing held";
        held.write("still here\n");
        held.setTimeout(patienceMs, () => held?.destroy(new Error("silence")));
        return line(held).finally(() => held?.setTimeout(0));
    }
  };
  process.on("message", (message: Order) => {
    carryOut(message).then(
      (answer) => process.send?.(answer),
      (error: Error & { code?: string }) => process.send?.(error.code ?? error.message),
    );
  });
  process.on("disconnect", () => process.exit());
  process.send?.("ready");
}

if (process.argv[2] === "actor") {
  const uid = Number(process.argv[4]);
  // Only now: a clone may lie below a folder that this user cannot enter.
  if (uid !== 0) {
    process.setgroups?.([]);
    process.setgid?.(uid);
    process.setuid?.(uid);
  }
  actor(process.argv[3] ?? "");
}
