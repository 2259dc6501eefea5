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
