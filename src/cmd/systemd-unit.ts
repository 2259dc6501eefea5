// The systemd unit that keeps the agent running across reboots.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { runCommand } from "../kernel/command.ts";
import { quoted } from "../kernel/quote.ts";
import { cmdErrors } from "./errors.ts";

export const unitName = "lateen-agent.service";
const unitPath = `/etc/systemd/system/${unitName}`;

export interface UnitOptions {
  /** `bin/lateen`. */
  program: string;
  dataDir: string;
  /** Envoy, where one was named. */
  envoy?: string;
}

/**
 * @param options absolute paths
 * @throws LateenError LAT4303 where systemd would read a path as something else (systemd.unit(5), systemd.service(5))
 */
export function unitText({ program, dataDir, envoy }: UnitOptions): string {
  for (const path of [program, dataDir, envoy ?? "/"]) {
    if (!/^\/[A-Za-z0-9_./@+-]*$/.test(path)) throw cmdErrors.noUnit(`${quoted(path)} cannot stand in a systemd unit`);
  }
  const command = [program, "agent", "--data-dir", dataDir, ...(envoy === undefined ? [] : ["--envoy", envoy])];
  return `[Unit]
Description=Lateen agent: this machine's part in the service mesh
After=network-online.target
Wants=network-online.target
# By default systemd gives up after five failures in 10 s; a machine must come back whenever it can.
StartLimitIntervalSec=0

[Service]
ExecStart=${command.join(" ")}
RuntimeDirectory=lateen
RuntimeDirectoryMode=0711
Restart=always
RestartSec=1
KillMode=mixed
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
`;
}

/**
 * The text of the unit, for a machine that can run it: asked before a token is spent.
 *
 * @throws LateenError LAT4303
 */
export function planUnit(dataDir: string, envoy: string | undefined): string {
  const program = join(import.meta.dirname, "../../bin/lateen");
  // As sd_booted(3) tells it.
  if (!existsSync("/run/systemd/system")) throw cmdErrors.noUnit("this machine does not run systemd");
  if (process.getuid?.() !== 0) throw cmdErrors.noUnit("installing a systemd unit needs root");
  return unitText({ program, dataDir: resolve(dataDir), ...(envoy === undefined ? {} : { envoy: resolve(envoy) }) });
}

/** Installs, enables and starts the unit; one that runs already starts again, as who the machine is now. */
export async function installUnit(text: string): Promise<void> {
  writeFileSync(unitPath, text, { mode: 0o644 });
  await runCommand("systemctl", ["daemon-reload"]);
  await runCommand("systemctl", ["enable", unitName]);
  // One that an older unit gave up would refuse to start.
  await runCommand("systemctl", ["reset-failed", unitName]).catch(() => {});
  await runCommand("systemctl", ["restart", unitName]);
}

/** The process that the unit runs; undefined where it runs none. */
export async function unitProcess(): Promise<number | undefined> {
  if (!existsSync(unitPath)) return undefined;
  const { stdout } = await runCommand("systemctl", ["show", "--property=MainPID", "--value", unitName]);
  return Number(stdout) || undefined;
}

/** Stops and removes the unit; does nothing where there is none. */
export async function removeUnit(): Promise<void> {
  if (!existsSync(unitPath)) return;
  try {
    await runCommand("systemctl", ["disable", "--now", unitName]);
  } finally {
    rmSync(unitPath, { force: true });
  }
  await runCommand("systemctl", ["daemon-reload"]);
}
