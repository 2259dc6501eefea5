// What a service port speaks, as Istio's protocol selection tells it.

/** Istio's words for what a port speaks. `AUTO`: nobody said, so a proxy looks at the first bytes. */
export type PortProtocol = "HTTP" | "HTTPS" | "GRPC" | "GRPC-WEB" | "HTTP2" | "MONGO" | "TCP" | "TLS" | "AUTO";

const protocols: readonly PortProtocol[] = ["HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS"];

/** Words that `protocol` takes, for messages. */
export const protocolWords: readonly string[] = protocols;

/** A `protocol` field in any case; undefined where the word is none. */
export function parseProtocol(text: string): PortProtocol | undefined {
  const word = text.toUpperCase();
  return protocols.find((known) => known === word);
}

/** The protocol that a port name promises: the name itself, or what stands before its first `-` (`http-web`, `grpc-web-x`). */
export function protocolOfName(name: string): PortProtocol | undefined {
  const word = name.toUpperCase();
  if (word === "GRPC-WEB" || word.startsWith("GRPC-WEB-")) return "GRPC-WEB";
  return parseProtocol(word.split("-")[0] ?? "");
}

/** What the port speaks: its `protocol`, else what its name says, else `AUTO`. */
export function portProtocol(port: { name?: string; protocol?: string }): PortProtocol {
  return parseProtocol(port.protocol ?? "") ?? protocolOfName(port.name ?? "") ?? "AUTO";
}

/** True where requests of several hosts on one address can be told apart, by `:authority` or by SNI. */
export function carriesHost(protocol: PortProtocol): boolean {
  return protocol !== "TCP" && protocol !== "MONGO" && protocol !== "AUTO";
}
