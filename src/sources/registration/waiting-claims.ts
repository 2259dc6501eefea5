// Connections that are served without being registered, because something is in the way (see `Obstacle`).
import type { ConnectedMachine } from "./claim.ts";

export class WaitingClaims {
  /** By connection id: the event that it waits for. */
  private readonly events = new Map<string, string>();
  /** By event, oldest first. */
  private readonly claims = new Map<string, Map<string, ConnectedMachine>>();

  /** Connections; each is one open stream, so their limit is this one's. */
  get size(): number {
    return this.events.size;
  }

  has(connectionId: string): boolean {
    return this.events.has(connectionId);
  }

  add(event: string, connection: ConnectedMachine): void {
    const { connectionId } = connection;
    this.events.set(connectionId, event);
    this.claims.set(event, (this.claims.get(event) ?? new Map()).set(connectionId, connection));
  }

  /** True where the connection was waiting. */
  delete(connectionId: string): boolean {
    const event = this.events.get(connectionId);
    if (event === undefined) return false;
    this.events.delete(connectionId);
    const others = this.claims.get(event);
    others?.delete(connectionId);
    if (others?.size === 0) this.claims.delete(event);
    return true;
  }

  /** Takes out those that wait for an event. */
  take(event: string): ConnectedMachine[] {
    const taken = [...(this.claims.get(event)?.values() ?? [])];
    for (const { connectionId } of taken) this.delete(connectionId);
    return taken;
  }

  clear(): void {
    this.events.clear();
    this.claims.clear();
  }
}
