// Sets a parameter of the kernel's network; Debian's smallest installation has no sysctl(8).

/** @param name below /proc/sys, with dots or slashes */
export function netSysctl(name: string, value: number): ["sh", ...string[]] {
  return ["sh", "-c", 'echo "$2" >"/proc/sys/$1"', "sysctl", name.replaceAll(".", "/"), String(value)];
}
