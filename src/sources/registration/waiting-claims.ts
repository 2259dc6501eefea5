// Connections that are served without being registered, because another machine has their name or address.
import type { ConnectedMachine } from "./claim.ts";

export class WaitingClaims {
  /** By connection id: the key of the machine that is in the way. */
  private readonly holders = new Map<string, string>();
  /** By key of the machine in the way, oldest first. */
  private readonly claims = new Map<string, Map<string, ConnectedMachine>>();

  /** Connections; each is one open stream, so their limit is this one's. */
  get size(): number {
    return this.holders.size;
  }

  has(connectionId: string): boolean {
    return this.holders.has(connectionId);
  }

  add(holder: string, connection: ConnectedMachine): void {
    const { connectionId } = connection;
    this.holders.set(connectionId, holder);
    this.claims.set(holder, (this.claims.get(holder) ?? new Map()).set(connectionId, connection));
  }

  /** True where the connection was waiting. */
  delete(connectionId: string): boolean {
    const holder = this.holders.get(connectionId);
    if (holder === undefined) return false;
    this.holders.delete(connectionId);
    const others = this.claims.get(holder);
    others?.delete(connectionId);
    if (others?.size === 0) this.claims.delete(holder);
    return true;
  }

  /** Takes out those that wait for a machine to give way. */
  take(holder: string): ConnectedMachine[] {
    const taken = [...(this.claims.get(holder)?.values() ?? [])];
    for (const { connectionId } of taken) this.delete(connectionId);
    return taken;
  }

  clear(): void {
    this.holders.clear();
    this.claims.clear();
  }
}
