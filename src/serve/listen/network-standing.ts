// What is remembered of networks, so that strangers who only use up places stand behind the machines of the mesh.
import { RecentMap } from "../../kernel/recent-map.ts";

/** Networks that are remembered, of those that have proven something and of the others each; longest not heard of are forgotten. */
const networkLimit = 8_192;
/** So many of a network that has proven a certificate may lose their places before the next proof. */
const lossLimit = 16;

export class NetworkStanding {
  /** Places lost since the last proof, by network. */
  private readonly proven = new RecentMap<string, number>(networkLimit);
  private readonly strangers = new RecentMap<string, number>(networkLimit);

  /** Somebody there has a certificate of the mesh. */
  proved(network: string): void {
    this.strangers.delete(network);
    this.proven.set(network, 0);
  }

  /** Somebody there lost his place without a proof. */
  lost(network: string): void {
    const among = this.proven.has(network) ? this.proven : this.strangers;
    among.set(network, (among.get(network) ?? 0) + 1);
  }

  /** 0 goes before 1, which is who is unknown, and 2 is who lost places and proved nothing. */
  rank(network: string): 0 | 1 | 2 {
    const losses = this.proven.get(network);
    if (losses !== undefined) return losses < lossLimit ? 0 : 2;
    return this.strangers.has(network) ? 2 : 1;
  }
}
