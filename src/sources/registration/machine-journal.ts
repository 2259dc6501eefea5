// Registered machines in the store. Without it a control plane that starts again would take every machine's endpoints away
// until the machine has reconnected.
import { fromUtf8 } from "../../kernel/bytes.ts";
import type { Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Store } from "../../store/store.ts";
import { decodeMachineRecord, encodeMachineRecord, type MachineRecord } from "./machine-record.ts";

const prefix = "/registrations/";
/** Machines written in one transaction. */
const batchLimit = 500;
/** Wait after a transaction that failed, milliseconds. */
const retryMs = 1000;

export class MachineJournal implements Stoppable {
  private readonly options: { store: Store; clock: Clock; log: Log };
  /** Newest record by key of the entry, or that it is gone; written in turn. One entry per machine. */
  private readonly unwritten = new Map<string, MachineRecord | undefined>();
  private writing: Promise<void> | undefined;

  constructor(options: { store: Store; clock: Clock; log: Log }) {
    this.options = options;
  }

  /** What was registered when the store was last used. */
  async load(): Promise<MachineRecord[]> {
    const records: MachineRecord[] = [];
    for (let from: string | undefined, more = true; more; more = from !== undefined) {
      const page = await this.options.store.list(prefix, from === undefined ? {} : { from });
      for (const { value } of page.entries) {
        const record = decodeMachineRecord(fromUtf8(value));
        if (record !== undefined) records.push(record);
      }
      from = page.next;
    }
    return records;
  }

  /** Remembers the machine as it is now, or that it is gone. Never throws; the store is written in the background. */
  note(key: string, record: MachineRecord | undefined): void {
    this.unwritten.set(key, record);
    this.write();
  }

  /** Resolves when everything noted is written, or the store refused it. */
  async stop(): Promise<void> {
    await this.writing;
  }

  private write(): void {
    this.writing ??= this.writeAll().finally(() => {
      this.writing = undefined;
    });
  }

  private async writeAll(): Promise<void> {
    while (this.unwritten.size > 0) {
      const batch = [...this.unwritten].slice(0, batchLimit);
      const puts = batch.flatMap(([key, record]) =>
        record === undefined ? [] : [{ key: prefix + key, value: encodeMachineRecord(record) }],
      );
      const deletes = batch.flatMap(([key, record]) => (record === undefined ? [prefix + key] : []));
      try {
        await this.options.store.txn({ puts, deletes });
      } catch (error) {
        const { clock, log } = this.options;
        log.warn("registered machines cannot be stored; trying again", { error: describeError(error) });
        clock.after(retryMs, () => this.write());
        return;
      }
      // What was noted meanwhile is newer and stays.
      for (const [key, record] of batch) if (this.unwritten.get(key) === record) this.unwritten.delete(key);
    }
  }
}
