// Which outbound listener gets a captured connection (Listener.use_original_dst).
import type { Listener } from "../../../gen/envoy/config/listener/v3/listener_pb.ts";
import { canonicalAddress } from "../../kernel/canonical-address.ts";

export interface SelectedListener {
  readonly listener: Listener;
  readonly because: string;
}

/**
 * The listener at the connection's own destination, else the one at all addresses of its port, else the capturing listener
 * itself. Undefined where nothing captures outbound connections.
 */
export function selectOutboundListener(
  listeners: readonly Listener[],
  ip: string,
  port: number,
): SelectedListener | undefined {
  const capturing = listeners.find((listener) => listener.useOriginalDst === true);
  if (capturing === undefined) return undefined;
  const address = canonicalAddress(ip);
  const exact = listeners.find((listener) => isAt(listener, address, port));
  if (exact !== undefined) return { listener: exact, because: `it is at ${address} port ${port}` };
  const anyAddress = address.includes(":") ? "::" : "0.0.0.0";
  const wildcard = listeners.find((listener) => isAt(listener, anyAddress, port));
  if (wildcard !== undefined) return { listener: wildcard, because: `it takes port ${port} at every address` };
  return { listener: capturing, because: `no listener is for ${address} port ${port}` };
}

function isAt(listener: Listener, address: string, port: number): boolean {
  const places = [listener.address, ...listener.additionalAddresses.map((additional) => additional.address)];
  return places.some((place) => {
    const socket = place?.address.case === "socketAddress" ? place.address.value : undefined;
    if (socket === undefined || socket.portSpecifier.case !== "portValue") return false;
    return socket.portSpecifier.value === port && canonicalAddress(socket.address) === address;
  });
}
