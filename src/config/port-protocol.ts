// What a service port speaks, as Istio's protocol selection tells it.

/** Istio's words for what a port speaks. */
export type PortProtocol = "HTTP" | "HTTPS" | "GRPC" | "GRPC-WEB" | "HTTP2" | "MONGO" | "TCP" | "TLS";

const protocols: readonly PortProtocol[] = ["HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS"];
/** Istio knows these too, and without its filters for them their bytes pass as TCP. */
const passedAsTcp = ["MYSQL", "REDIS"];

/** Words that `protocol` takes, for messages. */
export const protocolWords: readonly string[] = protocols;

/** A `protocol` field in any case; undefined where the word is none. */
export function parseProtocol(text: string): PortProtocol | undefined {
  const word = text.toUpperCase();
  return passedAsTcp.includes(word) ? "TCP" : protocols.find((known) => known === word);
}

/** The protocol that a port name promises: the name itself, or what stands before its first `-` (`http-web`, `grpc-web-x`). */
export function protocolOfName(name: string): PortProtocol | undefined {
  const word = name.toUpperCase();
  if (word === "GRPC-WEB" || word.startsWith("GRPC-WEB-")) return "GRPC-WEB";
  return parseProtocol(word.split("-")[0] ?? "");
}

/** True where a proxy can tell requests for several hosts on one address apart, by `:authority` or by SNI. */
export function carriesHost(port: { name: string; protocol?: string }): boolean {
  const protocol = parseProtocol(port.protocol ?? "") ?? protocolOfName(port.name) ?? "TCP";
  return protocol !== "TCP" && protocol !== "MONGO";
}
