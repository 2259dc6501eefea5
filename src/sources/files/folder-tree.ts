// Which configuration files a folder holds, links followed, kept current by the system's notices of change.
import { type FSWatcher, watch } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Problem } from "../../config/problem.ts";
import { describeError } from "../../kernel/error.ts";
import { fileCodes } from "./errors.ts";
import { type FileStamp, fileStamp } from "./file-stamp.ts";
import { fileCountLimit, folderCountLimit, folderDepthLimit } from "./limits.ts";

const configName = /\.(yaml|yml|json)$/i;

interface Folder {
  /** Device and inode: another folder may take the path, as a link that is swung. */
  identity: string;
  depth: number;
  watcher: FSWatcher | undefined;
  names: Set<string>;
}

/** Came under the name or went from it, and was not written to since; or written to. */
type Notice = "named" | "written";
/** Names to look at in a folder, with the last notice of each; all where the system did not say which. */
type Dirty = Map<string, Notice> | "all";

/** While a file is written for the first time its length is a multiple of this: Linux takes over page by page. Bytes. */
const pageBytes = 4096;

export class FolderTree {
  /** Files by path, which starts with the root as it was given. */
  readonly files = new Map<string, FileStamp>();
  /** What cannot be read or watched, by path. */
  readonly faults = new Map<string, Problem>();
  private readonly root: string;
  private readonly onDirty: () => void;
  private readonly folders = new Map<string, Folder>();
  /** Watches of folders that only links lead into, with the paths of the links. */
  private readonly linkTargets = new Map<string, { watcher: FSWatcher; links: Set<string> }>();
  private rootWatch: FSWatcher | undefined;
  private dirty = new Map<string, Dirty>();
  private rootDirty = true;
  /** Files of this scan whose names came, and whose times do not tell that they are finished. */
  private readonly arrivals = new Map<string, { folder: string; name: string }>();
  private stopped = false;

  /** @param onDirty called when a scan would find news; may be called often */
  constructor(root: string, onDirty: () => void) {
    this.root = root;
    this.onDirty = onDirty;
  }

  /** True where something has happened since the last scan. */
  get isDirty(): boolean {
    return this.rootDirty || this.dirty.size > 0;
  }

  /** Has a file looked at again. */
  recheck(path: string): void {
    this.mark(dirname(path), basename(path), "written");
  }

  /** Brings `files` and `faults` up to date with everything that was noticed. Not to be called twice at a time. */
  async scan(): Promise<void> {
    const dirty = this.dirty;
    this.dirty = new Map();
    if (this.rootDirty) {
      this.rootDirty = false;
      await this.checkRoot();
    }
    for (const [path, names] of dirty) {
      if (!this.folders.has(path)) continue;
      if (names === "all") await this.scanFolder(path);
      else for (const [name, notice] of names) await this.checkName(path, name, notice);
    }
    await this.checkArrivals();
  }

  stop(): void {
    this.stopped = true;
    this.rootWatch?.close();
    for (const { watcher } of this.folders.values()) watcher?.close();
    for (const { watcher } of this.linkTargets.values()) watcher.close();
  }

  private mark(folder: string, name: string | null, notice: Notice): void {
    if (this.stopped) return;
    // Volumes of Kubernetes swing the link `..data`, to which all others point.
    if (name === null || name.startsWith("..")) this.dirty.set(folder, "all");
    else if (name.startsWith(".")) return;
    else {
      const names = this.dirty.get(folder) ?? new Map<string, Notice>();
      if (names !== "all") names.set(name, notice);
      this.dirty.set(folder, names);
    }
    this.onDirty();
  }

  /** The root may be missing for a while, or be a link that is swung: its files stay until it is there again. */
  private async checkRoot(): Promise<void> {
    const parent = dirname(resolve(this.root));
    this.rootWatch ??= this.watchFolder(parent, (_notice, name) => {
      if (name !== null && name !== basename(resolve(this.root))) return;
      this.rootDirty = true;
      this.onDirty();
    });
    const known = this.folders.get(this.root);
    try {
      const stats = await stat(this.root, { bigint: true });
      const identity = `${stats.dev}:${stats.ino}`;
      this.faults.delete(this.root);
      if (known?.identity === identity) return;
      if (known !== undefined) this.closeFolder(this.root);
      await this.openFolder(this.root, identity, 0, known?.names);
    } catch (error) {
      this.fault(this.root, fileCodes.unreadable, `${this.root} cannot be read: ${describeError(error)}`);
    }
  }

  /** @param names that the path held before another folder took its place */
  private async openFolder(path: string, identity: string, depth: number, names = new Set<string>()): Promise<void> {
    for (const other of this.folders.values()) if (other.identity === identity) return; // a link back into the tree
    if (this.folders.size >= folderCountLimit || depth > folderDepthLimit) {
      this.fault(
        path,
        fileCodes.unreadable,
        `not read: at most ${folderCountLimit} folders, ${folderDepthLimit} deep, are`,
      );
      return;
    }
    // Watched first and read then, so that nothing falls between.
    const watcher = this.watchFolder(path, (notice, name) => this.mark(path, name, notice));
    this.folders.set(path, { identity, depth, watcher, names });
    await this.scanFolder(path);
  }

  private async scanFolder(path: string): Promise<void> {
    const folder = this.folders.get(path);
    let names: string[];
    try {
      names = await readdir(path);
    } catch (error) {
      // Gone: its own parent says so too. Unreadable: what was in it stays.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
        this.fault(path, fileCodes.unreadable, `cannot be read: ${describeError(error)}`);
      }
      return;
    }
    if (this.faults.get(path)?.code === fileCodes.unreadable) this.faults.delete(path);
    const present = new Set(names);
    for (const name of folder?.names ?? []) if (!present.has(name)) this.forget(path, name);
    for (const name of names.sort()) if (!name.startsWith(".")) await this.checkName(path, name, "written");
  }

  private async checkName(folderPath: string, name: string, notice: Notice): Promise<void> {
    const path = join(folderPath, name);
    const folder = this.folders.get(folderPath);
    if (folder === undefined) return;
    try {
      const link = await lstat(path, { bigint: true });
      const isLink = link.isSymbolicLink();
      const stats = isLink ? await stat(path, { bigint: true }) : link;
      folder.names.add(name);
      if (stats.isDirectory()) {
        const identity = `${stats.dev}:${stats.ino}`;
        if (this.folders.get(path)?.identity === identity) return;
        this.forget(folderPath, name);
        folder.names.add(name);
        await this.openFolder(path, identity, folder.depth + 1);
      } else if (configName.test(name) && stats.isFile()) {
        if (this.folders.has(path)) this.closeFolder(path);
        if (isLink) await this.watchTarget(path);
        const stamp = fileStamp(stats);
        this.setFile(path, stamp);
        if (notice === "named" && !isLink && !stamp.finished) this.arrivals.set(path, { folder: folderPath, name });
      } else this.forget(folderPath, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") this.forget(folderPath, name);
      else if (configName.test(name)) this.fault(path, fileCodes.unreadable, `cannot be read: ${describeError(error)}`);
    }
  }

  /**
   * Finds those that were moved into their place: nobody has written to them under their name. The times of a file are as
   * coarse as the system's tick, and do not tell where the last write and the move were in one.
   */
  private async checkArrivals(): Promise<void> {
    if (this.arrivals.size === 0) return;
    // Notices of what was written before the look are there after one whole turn of the event loop.
    await nextTurn();
    await nextTurn();
    for (const [path, { folder, name }] of this.arrivals) {
      const stamp = this.files.get(path);
      const noticed = this.dirty.get(folder);
      if (stamp === undefined || stamp.bytes % pageBytes === 0 || noticed === "all") continue;
      if (noticed?.has(name) !== true) this.files.set(path, { ...stamp, moved: true });
    }
    this.arrivals.clear();
  }

  private setFile(path: string, stamp: FileStamp): void {
    if (!this.files.has(path) && this.files.size >= fileCountLimit) {
      this.fault(path, fileCodes.unreadable, `not read: a folder may hold ${fileCountLimit} files`);
      return;
    }
    this.faults.delete(path);
    if (this.files.get(path)?.identity !== stamp.identity) this.files.set(path, stamp);
  }

  private forget(folderPath: string, name: string): void {
    const path = join(folderPath, name);
    this.folders.get(folderPath)?.names.delete(name);
    this.forgetFile(path);
    if (!this.folders.has(path)) return;
    const inside = `${path}/`;
    for (const file of this.files.keys()) if (file.startsWith(inside)) this.forgetFile(file);
    this.closeFolder(path);
  }

  private forgetFile(path: string): void {
    this.files.delete(path);
    this.faults.delete(path);
    for (const [target, { watcher, links }] of this.linkTargets) {
      if (!links.delete(path) || links.size > 0) continue;
      watcher.close();
      this.linkTargets.delete(target);
    }
  }

  /** Ends the watches of a folder and of what is in it; its files stay listed. */
  private closeFolder(path: string): void {
    const inside = `${path}/`;
    for (const [other, { watcher }] of this.folders) {
      if (other !== path && !other.startsWith(inside)) continue;
      watcher?.close();
      this.folders.delete(other);
      this.faults.delete(other);
    }
  }

  /** A write to the file behind a link is noticed in the folder where the file is. */
  private async watchTarget(link: string): Promise<void> {
    const target = dirname(await realpath(link));
    for (const [other, { watcher, links }] of this.linkTargets) {
      if (other === target || !links.delete(link) || links.size > 0) continue;
      watcher.close();
      this.linkTargets.delete(other);
    }
    const known = this.linkTargets.get(target);
    if (known !== undefined) {
      known.links.add(link);
      return;
    }
    if (this.linkTargets.size >= folderCountLimit) {
      this.fault(
        target,
        fileCodes.unwatched,
        `changes are not noticed: links lead to over ${folderCountLimit} folders`,
      );
      return;
    }
    const links = new Set([link]);
    const watcher = this.watchFolder(target, () => {
      for (const each of links) this.recheck(each);
    });
    if (watcher !== undefined) this.linkTargets.set(target, { watcher, links });
  }

  private watchFolder(path: string, onNotice: (notice: Notice, name: string | null) => void): FSWatcher | undefined {
    try {
      const watcher = watch(path, (event, name) => onNotice(event === "rename" ? "named" : "written", name));
      watcher.on("error", (error) => this.unwatched(path, error));
      if (this.faults.get(path)?.code === fileCodes.unwatched) this.faults.delete(path);
      return watcher;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.unwatched(path, error);
      return undefined;
    }
  }

  private unwatched(path: string, error: unknown): void {
    this.fault(path, fileCodes.unwatched, `changes are not noticed: ${describeError(error)}`);
  }

  private fault(path: string, code: string, message: string): void {
    this.faults.set(path, { severity: "error", code, message, file: path });
  }
}
