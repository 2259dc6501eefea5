// The address that Envoy calls its own application from over IPv6: `::6`, on the loopback interface.
import { readFile } from "node:fs/promises";
import { runCommand } from "../kernel/command.ts";
import { describeError } from "../kernel/error.ts";
import type { Log } from "../kernel/log.ts";
import { findProgram } from "./find-program.ts";
import { inet6File, readInet6Addresses } from "./inet6-addresses.ts";
import { passthroughSource } from "./nftables.ts";

/** `foreign`: somebody else put it there; it does as well, and stays. */
export type PassthroughState = "ours" | "foreign" | "absent";

export interface PassthroughAddressOptions {
  log: Log;
  /** In front of every program; `nsenter --net=…` for another network namespace. */
  prefix?: readonly string[];
  /** The text of /proc/net/if_inet6; undefined where the kernel does no IPv6. */
  read?: () => Promise<string | undefined>;
}

const device = "lo";

/**
 * 127.0.0.0/8 is all of the machine, `::1` is alone: without `::6` Envoy cannot bind to it. Ours is deprecated, so that
 * the kernel chooses it for no other connection, and so that whoever comes later knows whose it is: an agent that was
 * killed cannot leave a note that a reboot takes away with the address.
 */
export class PassthroughAddress {
  private readonly options: PassthroughAddressOptions;
  /** What the machine's addresses were when the address could not be added; tried again when they are others. */
  private failedAt: string | undefined;

  constructor(options: PassthroughAddressOptions) {
    this.options = options;
  }

  async state(): Promise<PassthroughState> {
    return stateIn(await this.read());
  }

  /** Puts it there where IPv6 is in use on the machine. Never rejects: the machine works without, except for calls over IPv6. */
  async ensure(): Promise<PassthroughState> {
    const text = await this.read();
    const state = stateIn(text);
    // Without any address IPv6 is switched off (`disable_ipv6`), and nobody can call over it.
    if (state !== "absent" || text.trim() === "" || text === this.failedAt) return state;
    const { log } = this.options;
    try {
      await this.ip("add", "preferred_lft", "0");
    } catch (error) {
      this.failedAt = text;
      log.error("calls over IPv6 cannot reach the applications: ::6 cannot be put on the loopback interface", {
        error: describeError(error),
      });
      return "absent";
    }
    this.failedAt = undefined;
    log.info("put an address on the loopback interface", { address: passthroughSource.ipv6 });
    return "ours";
  }

  /**
   * Takes it away, also where another agent put it there; not if somebody else did.
   *
   * @throws LateenError LAT4001
   */
  async remove(): Promise<void> {
    if ((await this.state()) !== "ours") return;
    await this.ip("del");
    this.options.log.info("took an address from the loopback interface", { address: passthroughSource.ipv6 });
  }

  private async read(): Promise<string> {
    const read = this.options.read ?? (() => readFile(inet6File, "utf8"));
    try {
      return (await read()) ?? "";
    } catch {
      return ""; // the kernel does no IPv6
    }
  }

  private async ip(verb: "add" | "del", ...more: string[]): Promise<void> {
    const { prefix = [] } = this.options;
    const address = `${passthroughSource.ipv6}/128`;
    const words = [...prefix, findProgram("ip") ?? "ip", "-6", "address", verb, address, "dev", device, ...more];
    const [program = "", ...args] = words;
    await runCommand(program, args);
  }
}

function stateIn(text: string): PassthroughState {
  const found = readInet6Addresses(text).find(
    (each) => each.device === device && each.address === passthroughSource.ipv6,
  );
  if (found === undefined) return "absent";
  return found.deprecated ? "ours" : "foreign";
}
