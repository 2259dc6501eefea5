// Lines on their way to whoever reads them. A reader that is slower than they come is not waited for: nothing else would be done
// meanwhile.

/** Bytes that wait at most; lines beyond it are lost, and how many is said. */
const waitingLimit = 4 << 20;
/** A reader that takes nothing is tried again after so long, milliseconds. */
const retryMs = 10;
/** At the end a reader is given so long, milliseconds. */
const endMs = 1_000;

/** Writes some of the bytes; returns how many. Throws EAGAIN where the reader takes none now. */
type WriteSome = (bytes: Uint8Array) => number;

export class LineWriter {
  private readonly writeSome: WriteSome;
  /** How a loss is said. */
  private readonly lossLine: (count: number) => string;
  private lines: string[] = [];
  /** Of `lines`, UTF-16 units: near enough. */
  private length = 0;
  /** Of an earlier piece, what was not taken. */
  private rest: Uint8Array = new Uint8Array();
  private lost = 0;
  private due = false;

  constructor(writeSome: WriteSome, lossLine: (count: number) => string) {
    this.writeSome = writeSome;
    this.lossLine = lossLine;
  }

  /** @param line with its line feed */
  write(line: string): void {
    if (this.length + this.rest.length + line.length > waitingLimit) {
      this.lost += 1;
      return;
    }
    this.lines.push(line);
    this.length += line.length;
    if (this.due) return;
    this.due = true;
    setImmediate(() => this.turn());
  }

  /** Writes what waits before the process is gone. */
  end(): void {
    const asleep = new Int32Array(new SharedArrayBuffer(4));
    for (let waitedMs = 0; !this.flush() && waitedMs < endMs; waitedMs += retryMs) Atomics.wait(asleep, 0, 0, retryMs);
  }

  private turn(): void {
    this.due = !this.flush();
    if (this.due) setTimeout(() => this.turn(), retryMs).unref();
  }

  /** False where something is left. */
  private flush(): boolean {
    try {
      while (this.rest.length > 0 || this.lines.length > 0 || this.lost > 0) {
        if (this.rest.length === 0) this.rest = this.takeAll();
        this.rest = this.rest.subarray(this.writeSome(this.rest));
      }
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
      this.takeAll(); // nobody reads any more
      this.rest = new Uint8Array();
      return true;
    }
  }

  private takeAll(): Uint8Array {
    const { lines, lost } = this;
    this.lines = [];
    this.length = 0;
    this.lost = 0;
    if (lost > 0) lines.push(this.lossLine(lost));
    return Buffer.from(lines.join(""));
  }
}
