// What one client sees: its scope's resources and its workload's own.
import type { ClientView, ResourceSet } from "../xds/generator.ts";
import type { NodeInfo } from "../xds/node-info.ts";
import type { Half } from "./half.ts";
import type { Shared } from "./shared-table.ts";
import { type ViewPart, ViewSet } from "./view-set.ts";

export interface ClientHalves {
  readonly scope: Shared<Half>;
  /** Undefined while the mesh cannot say what the workload takes in. */
  readonly own: Shared<Half> | undefined;
}

/** What a client asks of the generator. */
export interface ClientViewHost {
  /** Returns the key under which the workload is kept until `close`. */
  takeWorkload(node: NodeInfo): string;
  /** What the client should see now; to be released. */
  takeHalves(node: NodeInfo, workload: string): ClientHalves;
  close(view: MeshClientView): void;
}

export class MeshClientView implements ClientView {
  readonly workload: string;
  readonly node: NodeInfo;
  private readonly host: ClientViewHost;
  private readonly sets = new Map<string, ViewSet>();
  private halves: ClientHalves;
  /** Others that are being filled. */
  private next: ClientHalves | undefined;
  private go: (() => void) | undefined;
  private closed = false;

  constructor(node: NodeInfo, host: ClientViewHost) {
    this.node = node;
    this.host = host;
    this.workload = host.takeWorkload(node);
    this.halves = host.takeHalves(node, this.workload);
  }

  get name(): string {
    return this.node.name;
  }

  /** The scope as a value; one object for all that share it. */
  get about(): unknown {
    return this.halves.scope.value.about;
  }

  /** The scope that it is on the way to, or has where it goes nowhere. */
  get upcoming(): unknown {
    return (this.next ?? this.halves).scope.value.about;
  }

  whenReady(go: () => void): void {
    this.go = go;
    this.lookReady();
  }

  get isWaiting(): boolean {
    return this.go !== undefined;
  }

  /** Perhaps it is ready now. */
  lookReady(): void {
    if (this.closed || !isFilled(this.halves)) return;
    const { go } = this;
    this.go = undefined;
    go?.();
  }

  resources(typeUrl: string): ResourceSet {
    let set = this.sets.get(typeUrl);
    if (set === undefined) {
      set = new ViewSet(this.parts(typeUrl));
      this.sets.set(typeUrl, set);
    }
    return set;
  }

  /** The client will see something else; until `move` it hears of nothing. */
  prepare(): void {
    const before = this.next;
    this.next = this.host.takeHalves(this.node, this.workload);
    if (before !== undefined) release(before);
    for (const set of this.sets.values()) set.hold();
  }

  /** Changes to what `prepare` took, once that is filled. */
  move(): void {
    if (this.next === undefined || !isFilled(this.next)) return;
    const before = this.halves;
    this.halves = this.next;
    this.next = undefined;
    for (const [typeUrl, set] of this.sets) set.replace(this.parts(typeUrl));
    release(before);
    this.lookReady();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const set of this.sets.values()) set.detach();
    release(this.halves);
    if (this.next !== undefined) release(this.next);
    this.host.close(this);
  }

  /** The machine's own first: Envoy takes them in this order, and where two cannot both be, the first stays. */
  private parts(typeUrl: string): readonly ViewPart[] {
    const { own, scope } = this.halves;
    return [...(own?.value.sets.get(typeUrl) ?? []), ...(scope.value.sets.get(typeUrl) ?? [])];
  }
}

function isFilled({ scope, own }: ClientHalves): boolean {
  return scope.value.filled && own?.value.filled !== false;
}

function release({ scope, own }: ClientHalves): void {
  scope.release();
  own?.release();
}
