// Fake sidecars in a process of their own.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { FleetFigures, FleetNode, FleetOrder, FleetWord } from "./fleet-messages.ts";
import type { RouteWay } from "./sidecar.ts";

/** A watchdog: longest wait for a word, milliseconds. */
const wordMs = 300_000;

type Told<K extends FleetWord["tell"]> = Extract<FleetWord, { tell: K }>;

export class Fleet {
  private readonly child: ChildProcess;

  constructor() {
    this.child = fork(join(import.meta.dirname, "fleet-process.ts"), {
      execArgv: ["--max-old-space-size=8192"],
      serialization: "advanced",
    });
  }

  /** Adds sidecars; resolves when all are complete. */
  connect(
    url: string,
    nodes: FleetNode[],
    options: { way: RouteWay; ca?: string | undefined },
  ): Promise<Told<"complete">> {
    const { way, ca } = options;
    return this.order({ do: "connect", url, nodes, way, ...(ca === undefined ? {} : { ca }) }, "complete");
  }

  /** To be called before the change; `whole` resolves when the last sidecar was sent the resource. */
  watch(typeUrl: string, name: string): { whole: Promise<Told<"watched">> } {
    return { whole: this.order({ do: "watch", typeUrl, name }, "watched") };
  }

  drop(): Promise<Told<"dropped">> {
    return this.order({ do: "drop" }, "dropped");
  }

  reconnect(url: string): Promise<Told<"complete">> {
    return this.order({ do: "reconnect", url }, "complete");
  }

  /** Those who are away come back, and the next `count` drop their connections. */
  async turn(url: string, count: number): Promise<void> {
    await this.order({ do: "turn", url, count }, "turned");
  }

  async figures(): Promise<FleetFigures> {
    return (await this.order({ do: "figures" }, "figures")).figures;
  }

  async stop(): Promise<void> {
    if (!this.child.connected) return; // it has ended by itself
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.disconnect();
    await ended;
  }

  private order<K extends FleetWord["tell"]>(order: FleetOrder, answer: K): Promise<Told<K>> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(watchdog);
        this.child.off("message", listen);
        this.child.off("exit", gone);
      };
      const listen = (word: FleetWord): void => {
        if (word.tell !== answer) return;
        finish();
        resolve(word as Told<K>);
      };
      const gone = (): void => {
        finish();
        reject(new TypeError("the process of the sidecars has ended"));
      };
      const watchdog = setTimeout(() => {
        finish();
        reject(new TypeError(`the sidecars have not said ${answer} after ${JSON.stringify(order).slice(0, 200)}`));
      }, wordMs);
      this.child.on("message", listen);
      this.child.once("exit", gone);
      this.child.send(order);
    });
  }
}
