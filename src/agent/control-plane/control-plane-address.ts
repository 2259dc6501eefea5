// Where the control plane is.
import { isIP } from "node:net";
import { quoted } from "../../kernel/quote.ts";
import { agentErrors } from "../errors.ts";

export interface ControlPlaneAddress {
  /** DNS name or IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Istio's port for xDS and CA with TLS. */
export const defaultControlPlanePort = 15012;
/** A URL longer than this is no address. */
const lengthLimit = 512;

/**
 * Reads `https://host[:port]`; the port is 15012 unless it is written, also where it is 443.
 *
 * @throws LateenError LAT3302
 */
export function parseControlPlaneAddress(text: string): ControlPlaneAddress {
  const parts =
    text.length > lengthLimit ? null : /^https:\/\/(\[[^\]/@]+\]|[^:/?#@[\]\s]+)(?::(\d{1,5}))?\/?$/.exec(text);
  const host = parts?.[1]?.replace(/^\[|\]$/g, "").toLowerCase();
  const port = parts?.[2] === undefined ? defaultControlPlanePort : Number(parts[2]);
  if (host === undefined || port < 1 || port > 65_535 || !isHost(host, parts?.[1]?.startsWith("[") === true)) {
    throw agentErrors.badControlPlaneAddress(`${quoted(text)} is not the address of a control plane`);
  }
  return { host, port };
}

function isHost(host: string, bracketed: boolean): boolean {
  // A zone (fe80::1%eth0) means something else on every machine.
  if (bracketed) return isIP(host) === 6 && !host.includes("%");
  if (isIP(host) === 4) return true;
  return (
    host.length <= 253 && /^[a-z0-9_](?:[-a-z0-9_]*[a-z0-9_])?(?:\.[a-z0-9_](?:[-a-z0-9_]*[a-z0-9_])?)*\.?$/.test(host)
  );
}

/** `https://host:port`. */
export function formatControlPlaneAddress({ host, port }: ControlPlaneAddress): string {
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
