// A folder of Istio YAML → a collection, following every change of its files. Read only.
import { open } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Collection } from "../../collection/collection.ts";
import type { Graph } from "../../collection/graph.ts";
import { configCodes } from "../../config/errors.ts";
import type { Config, Origin } from "../../config/object.ts";
import { formatProblem, type Problem } from "../../config/problem.ts";
import { fromUtf8 } from "../../kernel/bytes.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import { type ConfigFile, readConfigFile, unreadableFile } from "./config-file.ts";
import { fileCodes, fileErrors } from "./errors.ts";
import { type FileStamp, fileStamp } from "./file-stamp.ts";
import { FolderTree } from "./folder-tree.ts";
import { fileBytesLimit, totalBytesLimit } from "./limits.ts";
import { ObjectTable } from "./object-table.ts";

/**
 * A file that was written in place is read when it has been quiet for so long, so that half of it is never taken for
 * the whole. A file that was moved into its place is complete and does not wait.
 */
const quietMs = 10;
/** So long must it have been quiet where objects are missing that were in it, and a file be gone, before they go. */
const goneMs = 100;
/** Longest work between two turns of the event loop. */
const turnMs = 15;
/** Problems that are logged of one change; the collection has all. */
const loggedProblems = 20;

export interface ConfigFolderOptions {
  graph: Graph;
  clock: Clock;
  log: Log;
  /** Cluster id of this control plane, part of each object's key. */
  source: string;
  /** Where namespaced objects without a namespace go; by default `default`. */
  defaultNamespace?: string;
}

export interface ConfigFolder extends Stoppable {
  /** By `formatConfigKey`; each has the origin it was first read at. */
  readonly objects: Collection<Config>;
  /** What is wrong, by the path of the file; errors keep an object's last good version in the mesh. */
  readonly problems: Collection<readonly Problem[]>;
  /** Resolves when all files have been read once; rejects with LAT1101 where the folder itself cannot be read. */
  readonly ready: Promise<void>;
  /** The place of an object in its file as it is now. */
  originOf(key: string): Origin | undefined;
}

/** @param folder path of the folder; problems and origins name files below it by this path */
export function watchConfigFolder(folder: string, options: ConfigFolderOptions): ConfigFolder {
  const reader = new FolderReader(folder, options);
  reader.start();
  return reader;
}

interface Sight {
  identity: string;
  /** Monotonic milliseconds at which this content was seen first. */
  sinceMs: number;
}

class FolderReader implements ConfigFolder {
  readonly ready: Promise<void>;
  private readonly folder: string;
  private readonly options: ConfigFolderOptions;
  private readonly tree: FolderTree;
  private readonly table: ObjectTable;
  /** The content that each file of the table was read from. */
  private readonly read = new Map<string, { identity: string; bytes: number }>();
  /** Contents that wait to be quiet; an empty identity stands for a file that is gone. */
  private readonly waiting = new Map<string, Sight>();
  /** Of the files in `read` together. */
  private totalBytes = 0;
  private working: Promise<void> | undefined;
  private timer: Cancel | undefined;
  private isReady = false;
  private stopped = false;
  private turnStartMs = 0;
  private settleReady: { resolve(): void; reject(error: unknown): void } = { resolve() {}, reject() {} };

  constructor(folder: string, options: ConfigFolderOptions) {
    this.folder = folder;
    this.options = options;
    this.table = new ObjectTable(options.graph, folder);
    this.tree = new FolderTree(folder, () => this.wake());
    this.ready = new Promise((resolve, reject) => {
      this.settleReady = { resolve, reject };
    });
    this.ready.catch(() => {}); // a caller that stops early need not look
  }

  get objects(): Collection<Config> {
    return this.table.objects;
  }

  get problems(): Collection<readonly Problem[]> {
    return this.table.problems;
  }

  originOf(key: string): Origin | undefined {
    return this.table.originOf(key);
  }

  start(): void {
    this.wake();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.();
    this.tree.stop();
    await this.working;
    this.settleReady.resolve();
  }

  private wake(): void {
    if (this.stopped || this.working !== undefined) return;
    this.working = this.work()
      .catch((error: unknown) => {
        this.options.log.error("reading the configuration folder failed", {
          folder: this.folder,
          error: describeError(error),
        });
      })
      .then(() => {
        this.working = undefined;
        if (this.tree.isDirty) this.wake();
      });
  }

  private async work(): Promise<void> {
    this.turnStartMs = this.options.clock.monotonic();
    await this.tree.scan();
    if (this.stopped) return;
    const fault = this.tree.faults.get(this.folder);
    if (!this.isReady && fault?.code === fileCodes.unreadable) {
      this.settleReady.reject(fileErrors.folderUnreadable(fault.message));
      return;
    }
    const updates = new Map<string, ConfigFile | undefined>();
    for (const [path, stamp] of this.tree.files) {
      if (this.read.get(path)?.identity === stamp.identity) this.waiting.delete(path);
      else if (this.isReady && !this.isQuiet(path, stamp, quietMs)) continue;
      else await this.readFile(path, stamp, updates);
      if (this.stopped) return;
    }
    for (const path of this.table.paths()) {
      if (this.tree.files.has(path) || !this.isQuiet(path, undefined, goneMs)) continue;
      updates.set(path, undefined);
      this.noteRead(path, undefined);
    }
    for (const path of this.waiting.keys()) {
      if (!this.tree.files.has(path) && this.table.file(path) === undefined) this.waiting.delete(path);
    }
    this.table.update(updates, this.tree.faults);
    this.logUpdate(updates);
    this.planNextLook();
    if (!this.isReady && !this.tree.isDirty) {
      this.isReady = true;
      this.settleReady.resolve();
    }
  }

  private isQuiet(path: string, stamp: FileStamp | undefined, forMs: number): boolean {
    const { clock } = this.options;
    const identity = stamp?.identity ?? "";
    let sight = this.waiting.get(path);
    if (sight?.identity !== identity) {
      sight = { identity, sinceMs: clock.monotonic() };
      this.waiting.set(path, sight);
    }
    if (clock.monotonic() - sight.sinceMs >= forMs) return true;
    if (stamp === undefined) return false;
    // That a file seems to have been moved is not enough to take objects away.
    const isWhole = stamp.finished || (stamp.moved && forMs <= quietMs);
    return isWhole || clock.now() - stamp.writtenMs >= forMs;
  }

  /** Contents that were not quiet are looked at again: their writers may be done without another notice. */
  private planNextLook(): void {
    this.timer?.();
    this.timer = undefined;
    if (this.waiting.size === 0) return;
    const now = this.options.clock.monotonic();
    let delayMs = goneMs;
    for (const [path, { sinceMs }] of this.waiting) {
      const forMs = this.tree.files.has(path) && now - sinceMs < quietMs ? quietMs : goneMs;
      delayMs = Math.min(delayMs, sinceMs + forMs - now);
    }
    this.timer = this.options.clock.after(Math.max(1, delayMs), () => {
      for (const path of this.waiting.keys()) this.tree.recheck(path);
    });
  }

  private async readFile(path: string, stamp: FileStamp, updates: Map<string, ConfigFile | undefined>): Promise<void> {
    const before = this.table.file(path);
    const loaded = await this.loadText(path, stamp);
    if (loaded === "changed") return;
    let file: ConfigFile;
    if ("problem" in loaded) file = unreadableFile(path, before, loaded.problem);
    else {
      const { source, defaultNamespace = "default" } = this.options;
      file = await readConfigFile(path, loaded.text, before, { source, defaultNamespace }, () => this.pause());
      if (lacksObjects(file, before)) {
        if (loaded.text.trim() === "") file = unreadableFile(path, before, emptied(path));
        else if (!this.isQuiet(path, stamp, goneMs)) return;
      }
    }
    this.noteRead(path, stamp);
    updates.set(path, file);
  }

  private noteRead(path: string, stamp: FileStamp | undefined): void {
    this.totalBytes += (stamp?.bytes ?? 0) - (this.read.get(path)?.bytes ?? 0);
    if (stamp === undefined) this.read.delete(path);
    else this.read.set(path, { identity: stamp.identity, bytes: stamp.bytes });
    this.waiting.delete(path);
  }

  private async loadText(path: string, stamp: FileStamp): Promise<{ text: string } | { problem: Problem } | "changed"> {
    if (stamp.bytes > fileBytesLimit) return tooLarge(`the file has more than ${fileBytesLimit} bytes`);
    if (this.totalBytes - (this.read.get(path)?.bytes ?? 0) + stamp.bytes > totalBytesLimit) {
      return tooLarge(`the files of the folder have more than ${totalBytesLimit} bytes together`);
    }
    try {
      const handle = await open(path, "r");
      try {
        const bytes = await handle.readFile();
        // Written to meanwhile, or replaced since it was listed: the notice of that is on its way.
        if (fileStamp(await handle.stat({ bigint: true })).identity !== stamp.identity) {
          this.tree.recheck(path);
          return "changed";
        }
        return { text: fromUtf8(bytes) };
      } finally {
        await handle.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "changed";
      const message = error instanceof TypeError ? "is not UTF-8 text" : `cannot be read: ${describeError(error)}`;
      return { problem: { severity: "error", code: fileCodes.unreadable, message } };
    }
  }

  private async pause(): Promise<void> {
    const { clock } = this.options;
    if (clock.monotonic() - this.turnStartMs < turnMs) return;
    await nextTurn();
    this.turnStartMs = clock.monotonic();
  }

  private logUpdate(updates: ReadonlyMap<string, ConfigFile | undefined>): void {
    if (updates.size === 0) return;
    const { log } = this.options;
    let left = loggedProblems;
    for (const path of updates.keys()) {
      for (const problem of this.table.problems.get(path) ?? []) {
        if (problem.severity !== "error" || left === 0) continue;
        left -= 1;
        log.warn("configuration not taken", { problem: formatProblem(problem), code: problem.code });
      }
    }
    log.info("configuration folder read", {
      folder: this.folder,
      files: updates.size,
      objects: this.table.objects.size,
    });
  }
}

function lacksObjects(file: ConfigFile, before: ConfigFile | undefined): boolean {
  for (const key of before?.objects.keys() ?? []) if (!file.objects.has(key)) return true;
  return false;
}

function tooLarge(message: string): { problem: Problem } {
  return { problem: { severity: "error", code: configCodes.tooLarge, message, remedy: "Split the configuration." } };
}

/** A command whose output goes to the file empties it first and may take long to write. */
function emptied(path: string): Problem {
  return {
    severity: "warning",
    code: fileCodes.unreadable,
    message: `${path} is empty now; the objects it held stay`,
    remedy: "Delete the file if they should go.",
  };
}
