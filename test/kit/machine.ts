// A machine of the mesh: the agent that `lateen join` runs, its Envoy, and the applications beside them.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Answers, Order } from "./app/client.ts";
import { lateenProgram } from "./lateen-program.ts";
import type { Host } from "./network.ts";
import type { Program } from "./program.ts";

/** Applications run as an ordinary user: what they do must go through the mesh. */
const asUser = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/** Requests that go on until `stop`. */
export interface Load {
  stop(): Promise<Answers>;
}

export class Machine {
  readonly host: Host;
  private agent: Program | undefined;
  private echoProgram: Program | undefined;

  constructor(host: Host) {
    this.host = host;
  }

  /** `lateen join URL --token …`; resolves when it says that the machine is ready. */
  async join(url: string, token: string, name = this.host.name): Promise<void> {
    const args = ["join", url, "--name", name, "--foreground", "--data-dir", this.dataDir];
    this.agent = this.host.start(lateenProgram, args, { env: { ...this.env, LATEEN_TOKEN: token } });
    await this.agent.line(/^you are .* ready\b/);
  }

  /** `lateen agent`, as the unit runs it after a reboot. */
  startAgent(): void {
    this.agent = this.host.start(lateenProgram, ["agent", "--data-dir", this.dataDir], { env: this.env });
  }

  get dataDir(): string {
    return join(this.host.folder, "lateen");
  }

  get env(): Record<string, string> {
    return { LATEEN_RUN_DIR: join(this.host.folder, "run") };
  }

  get agentProgram(): Program {
    assert.ok(this.agent !== undefined, `${this.host.name} has not joined`);
    return this.agent;
  }

  /** As `systemctl stop` does it: the agent alone is asked to end. */
  async stopAgent(): Promise<number | null> {
    process.kill(this.agentProgram.pid, "SIGTERM");
    return this.agentProgram.ended;
  }

  /** Starts the application of the tests; it listens on 8080 and 9000 where not told otherwise, for gRPC where told so. */
  async startEcho(name: string, httpPort = 8080, tcpPort = 9000, grpcPort?: number): Promise<Program> {
    const ports = [httpPort, tcpPort, ...(grpcPort === undefined ? [] : [grpcPort])];
    const args = this.application("echo.ts", name, ...ports.map(String));
    this.echoProgram = this.host.start("setpriv", args);
    await this.echoProgram.line(/listens/);
    return this.echoProgram;
  }

  /** Starts the application as root, for a port below 1024 or beside the other one; TCP is on the port plus 10000. */
  async startRootEcho(name: string, httpPort: number): Promise<Program> {
    const [, , , ...command] = this.application("echo.ts", name, String(httpPort), String(10_000 + httpPort));
    const [program = "", ...args] = command;
    const started = this.host.start(program, args);
    await started.line(/listens/);
    return started;
  }

  /** The application that `startEcho` started last. */
  get echo(): Program {
    assert.ok(this.echoProgram !== undefined, `${this.host.name} runs no application`);
    return this.echoProgram;
  }

  /** Calls from an application of the machine. */
  async call(order: Order): Promise<Answers> {
    const { stdout } = await this.host.run("setpriv", this.application("client.ts", JSON.stringify(order)));
    return JSON.parse(stdout) as Answers;
  }

  /** The status of one call; 0 where there was no answer. */
  async status(url: string, order: Omit<Order, "url"> = {}): Promise<number> {
    return (await this.one(url, order)).status;
  }

  /** The answer to one call. */
  async one(url: string, order: Omit<Order, "url"> = {}): Promise<Answers["first"][number]> {
    const [answer] = (await this.call({ ...order, url, count: 1 })).first;
    assert.ok(answer !== undefined);
    return answer;
  }

  /** Calls that go on, 50 a second where not told otherwise. */
  load(order: Order): Load {
    const args = this.application("client.ts", JSON.stringify({ perSecond: 50, ...order, count: 0 }));
    const program = this.host.start("setpriv", args, { keepInput: true });
    return {
      stop: async () => {
        program.endInput();
        await program.ended;
        return JSON.parse(program.lines.at(-1) ?? "") as Answers;
      },
    };
  }

  /** Starts an application that is told what to do on its standard input (test/kit/app/caller.ts). */
  startApplication(file: string, onLine: (line: string) => void): Program {
    return this.host.start("setpriv", this.application(file), { keepInput: true, onLine });
  }

  /** The addresses that the machine's own resolver gives for a name; empty where it knows none. */
  async resolve(name: string, database: "ahostsv4" | "ahostsv6" = "ahostsv4"): Promise<string[]> {
    const { code, output } = await this.host.attempt("getent", [database, name]);
    const addresses = output.split("\n").flatMap((line) => line.split(/\s/)[0] || []);
    return code === 0 ? [...new Set(addresses)] : [];
  }

  /** A page of a port of the machine, asked by root on the machine itself. */
  async page(port: number, path: string): Promise<string> {
    const order = JSON.stringify(`http://127.0.0.1:${port}${path}`);
    const script = `process.stdout.write(await (await fetch(${order})).text())`;
    const { stdout } = await this.host.run(process.execPath, ["--input-type=module", "-e", script]);
    return stdout;
  }

  /** Envoy's own counters and gauges whose names match, by name. */
  async envoyStats(filter: string): Promise<Map<string, number>> {
    const text = await this.page(15000, `/stats?filter=${encodeURIComponent(filter)}`);
    return new Map(
      text
        .split("\n")
        .map((line) => /^(.*): (\d+)$/.exec(line))
        .flatMap((match) => (match === null ? [] : [[match[1] ?? "", Number(match[2])]])),
    );
  }

  /** This Envoy has rejected nothing that it was sent. */
  async assertNothingRejected(): Promise<void> {
    const stats = await this.envoyStats("update_rejected");
    const { name } = this.host;
    for (const type of ["cluster_manager.cds", "listener_manager.lds"]) {
      assert.ok(stats.has(`${type}.update_rejected`), `${name} has no ${type}.update_rejected`);
    }
    const rejected = [...stats].filter(([, count]) => count > 0);
    assert.deepEqual(rejected, [], `Envoy of ${name} rejected configuration`);
  }

  /** The rules of nftables on the machine. */
  async rules(): Promise<string> {
    return (await this.host.run("nft", ["list", "ruleset"])).stdout.trim();
  }

  /** Ids of the Envoy processes on the machine. */
  async envoyPids(): Promise<number[]> {
    const all = await this.host.processes();
    return all.filter(({ commandLine }) => /envoy\S* --config-path /.test(commandLine)).map(({ pid }) => pid);
  }

  /** The command line of an application of the tests, run as an ordinary user. */
  private application(file: string, ...args: string[]): string[] {
    const folder = join(this.host.folder, "../app");
    return [...asUser, join(folder, "node"), join(folder, file), ...args];
  }
}
