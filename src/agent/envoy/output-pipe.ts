// Envoy's standard output as a named pipe. Access logs are written to /dev/stdout, which Envoy opens by name: that works for
// a pipe, but not for the sockets that Node connects its children with.
import { chownSync, closeSync, constants, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { runCommand } from "../../kernel/command.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Owner } from "../socket/socket-folder.ts";

/** Longest line that is passed on, characters. */
const lineLimit = 16_384;

export class OutputPipe implements Stoppable {
  private readonly path: string;
  private readonly reader: Socket;

  private constructor(path: string, onLine: (line: string) => void) {
    this.path = path;
    // Opened for reading and writing, so that it does not end while Envoy is started again.
    this.reader = new Socket({
      fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    });
    this.reader.on("error", () => {});
    let rest = "";
    this.reader.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = (lines.pop() ?? "").slice(0, lineLimit);
      for (const line of lines) onLine(line.slice(0, lineLimit));
    });
  }

  /**
   * @param folder only this process can write to it
   * @param owner user that Envoy runs as
   * @throws LateenError LAT4001 where the pipe cannot be made
   */
  static async open(folder: string, owner: Owner | undefined, onLine: (line: string) => void): Promise<OutputPipe> {
    const path = join(folder, "envoy.stdout");
    rmSync(path, { force: true });
    await runCommand("mkfifo", ["--mode=0600", path]);
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
    return new OutputPipe(path, onLine);
  }

  /** Calls `use` with a descriptor to write to, which is closed afterwards. */
  withWriter<T>(use: (descriptor: number) => T): T {
    const writer = openSync(this.path, "w");
    try {
      return use(writer);
    } finally {
      closeSync(writer);
    }
  }

  async stop(): Promise<void> {
    this.reader.destroy();
    rmSync(this.path, { force: true });
  }
}
