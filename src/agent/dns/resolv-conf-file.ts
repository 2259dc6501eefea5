// Follows /etc/resolv.conf: DHCP clients and people change it while the agent runs.
import { readFile, stat } from "node:fs/promises";
import type { Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Log } from "../../kernel/log.ts";
import { type ResolvConf, readResolvConf } from "./resolv-conf.ts";

/**
 * The file is looked at again when it is needed and this old: it is often a link to a file that is replaced, whose events
 * are easily missed.
 */
const recheckMs = 5_000;

export interface ResolvConfFileOptions {
  path?: string;
  clock: Clock;
  log: Log;
}

export class ResolvConfFile {
  private readonly path: string;
  private readonly options: ResolvConfFileOptions;
  private value: ResolvConf = { nameservers: [], searchDomains: [] };
  private version: string | undefined;
  private checkedAt = Number.NEGATIVE_INFINITY;
  private checking: Promise<void> | undefined;

  private constructor(options: ResolvConfFileOptions) {
    this.options = options;
    this.path = options.path ?? "/etc/resolv.conf";
  }

  /** Reads the file once; a missing one is empty until it appears. */
  static async open(options: ResolvConfFileOptions): Promise<ResolvConfFile> {
    const file = new ResolvConfFile(options);
    await file.refresh();
    return file;
  }

  /** What is known now; starts a look at the file where the last is 5 s ago. */
  current(): ResolvConf {
    if (this.options.clock.monotonic() - this.checkedAt >= recheckMs) void this.refresh();
    return this.value;
  }

  /** Looks at the file now. A file without name servers is being written, or wrong: what was good stays. Never rejects. */
  refresh(): Promise<void> {
    this.checking ??= this.check().finally(() => {
      this.checking = undefined;
    });
    return this.checking;
  }

  private async check(): Promise<void> {
    const { clock, log } = this.options;
    this.checkedAt = clock.monotonic();
    try {
      const { ino, size, mtimeMs } = await stat(this.path);
      const version = `${ino} ${size} ${mtimeMs}`;
      if (version === this.version) return;
      const value = readResolvConf(await readFile(this.path, "utf8"));
      this.version = version;
      if (value.nameservers.length === 0 && this.value.nameservers.length > 0) {
        log.warn("resolv.conf names no resolver; the ones known before stay in use", { path: this.path });
        return;
      }
      this.value = value;
      log.info("resolvers of the machine", { nameservers: value.nameservers.map(({ address }) => address) });
    } catch (error) {
      log.warn("resolv.conf cannot be read; the resolvers known before stay in use", { error: describeError(error) });
    }
  }
}
