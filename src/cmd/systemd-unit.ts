// The systemd unit that keeps the agent running across reboots.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../kernel/command.ts";

const unitName = "lateen-agent.service";
const unitPath = `/etc/systemd/system/${unitName}`;

/** @param dataDir an absolute path without characters that systemd would read, checked here */
export function unitText(program: string, dataDir: string): string {
  for (const path of [program, dataDir]) {
    if (!/^\/[A-Za-z0-9_./@+-]+$/.test(path)) throw new TypeError(`${path} cannot stand in a systemd unit`);
  }
  return `[Unit]
Description=Lateen agent: this machine's part in the service mesh
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=${program} agent --data-dir ${dataDir}
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

/** Installs, enables and starts the unit. */
export async function installUnit(dataDir: string): Promise<void> {
  const program = join(import.meta.dirname, "../../bin/lateen");
  writeFileSync(unitPath, unitText(program, dataDir), { mode: 0o644 });
  await runCommand("systemctl", ["daemon-reload"]);
  await runCommand("systemctl", ["enable", "--now", unitName]);
}

/** Stops and removes the unit; does nothing where there is none. */
export async function removeUnit(): Promise<void> {
  if (!existsSync(unitPath)) return;
  await runCommand("systemctl", ["disable", "--now", unitName]);
  rmSync(unitPath, { force: true });
  await runCommand("systemctl", ["daemon-reload"]);
}
