// The probes on all machines as one: when the last Envoy shows something.

import { join } from "node:path";
import type { Machine } from "../../kit/machine.ts";
import type { Program } from "../../kit/program.ts";
import type { EnvoySeen, EnvoyWatch } from "./envoy-probe.ts";

const probePath = join(import.meta.dirname, "envoy-probe.ts");

export class EnvoyProbes {
  private readonly programs: { name: string; program: Program }[] = [];
  private readonly waiting = new Map<string, (seen: EnvoySeen) => void>();
  private count = 0;

  add({ host }: Machine): void {
    const onLine = (line: string): void => {
      if (!line.startsWith("{")) return;
      const seen = JSON.parse(line) as EnvoySeen;
      const id = `${host.name} ${seen.id}`;
      this.waiting.get(id)?.(seen);
      this.waiting.delete(id);
    };
    this.programs.push({
      name: host.name,
      program: host.start(process.execPath, [probePath], { keepInput: true, onLine }),
    });
  }

  /** Resolves with what each machine saw, once the last has. */
  watch(what: Omit<EnvoyWatch, "id">): Promise<{ machine: string; seen: EnvoySeen }[]> {
    const id = ++this.count;
    const line = JSON.stringify({ id, ...what } satisfies EnvoyWatch);
    return Promise.all(
      this.programs.map(async ({ name, program }) => {
        const { promise, resolve } = Promise.withResolvers<EnvoySeen>();
        this.waiting.set(`${name} ${id}`, resolve);
        program.write(line);
        return { machine: name, seen: await promise };
      }),
    );
  }
}
