// Ports and addresses on the command line.
import { InvalidArgumentError } from "commander";

/** 0 to 65535; 0 takes a free one. */
export function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw new InvalidArgumentError("Give a port from 0 to 65535.");
  return Number(text);
}

/** `127.0.0.1:15010`, `[::1]:15010`, `localhost:0`. */
export function parseHostPort(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || Number(match?.[3]) > 65535) {
    throw new InvalidArgumentError("Give HOST:PORT, such as 127.0.0.1:15010 or [::1]:15010.");
  }
  return { host, port: Number(match?.[3]) };
}
