// Opens a listening port, or says in one sentence why not.
import { once } from "node:events";
import type { Server } from "node:net";
import { serveErrors } from "../errors.ts";

/** @throws LateenError LAT2109 */
export async function openPort(server: Server, place: { host: string; port: number }): Promise<void> {
  server.listen(place.port, place.host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw serveErrors.listenFailed(`cannot listen on ${place.host}:${place.port}${listenReason(cause)}`, {
      cause,
      ...listenRemedy(cause),
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use",
  EADDRNOTAVAIL: "this host has no such address",
  EAFNOSUPPORT: "this host does not have that kind of address",
  EINVAL: "that is no address to listen on",
  ENOTFOUND: "that is neither an address nor a name that is known here",
  EAI_AGAIN: "that is no address, and the name servers do not answer",
  EACCES: "this user may not use a port below 1024",
};
/** Errors for which another address helps, not another port. */
const aboutAddress: ReadonlySet<string> = new Set([
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
  "EINVAL",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** `: the port is in use`; empty where the system says nothing that is known. */
export function listenReason(cause: unknown): string {
  const reason = reasons[codeOf(cause)];
  return reason === undefined ? "" : `: ${reason}`;
}

/** A remedy that is more exact than that of the error's kind. */
export function listenRemedy(cause: unknown): { remedy?: string } {
  return aboutAddress.has(codeOf(cause))
    ? { remedy: "Give an address of this host (ip address shows them), or 0.0.0.0 for all." }
    : {};
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? "";
}
