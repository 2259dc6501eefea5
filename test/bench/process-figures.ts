// What Linux knows of a process.
import { readFileSync } from "node:fs";

/** Linux counts processor time in hundredths of a second (getconf CLK_TCK). */
const tickMs = 10;

/** User and system time of a process (proc_pid_stat(5), fields 14 and 15; the name in field 2 may hold spaces), milliseconds. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/** A line of /proc/PID/status, MB. */
export function memoryMb(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
}

/** What all processors together did since the start of the system (proc_stat(5)), milliseconds; `idle` with what waited for disks. */
export function processorsMs(): { readonly idle: number; readonly all: number } {
  const [, ...ticks] = readFileSync("/proc/stat", "utf8").split("\n", 1)[0]?.split(/\s+/).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] = ticks;
  const asleep = idle + wait;
  return { idle: asleep * tickMs, all: (user + nice + system + irq + softirq + steal + asleep) * tickMs };
}
