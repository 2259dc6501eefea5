// What is remembered of networks, so that strangers who only use up places stand behind the machines of the mesh.

/** Networks that are remembered; those that were heard of longest ago are forgotten. */
const networkLimit = 8_192;
/** So many of a network that has proven a certificate may lose their places before the next proof. */
const lossLimit = 16;

interface Standing {
  proven: boolean;
  /** Places lost since the last proof. */
  losses: number;
}

export class NetworkStanding {
  /** Longest not heard of first. */
  private readonly networks = new Map<string, Standing>();

  /** Somebody there has a certificate of the mesh. */
  proved(network: string): void {
    this.put(network, { proven: true, losses: 0 });
  }

  /** Somebody there lost his place without a proof. */
  lost(network: string): void {
    const { proven, losses } = this.networks.get(network) ?? { proven: false, losses: 0 };
    this.put(network, { proven, losses: losses + 1 });
  }

  /** 0 goes before 1, which is who is unknown, and 2 is who lost places and proved nothing. */
  rank(network: string): 0 | 1 | 2 {
    const standing = this.networks.get(network);
    if (standing === undefined) return 1;
    return standing.proven && standing.losses < lossLimit ? 0 : 2;
  }

  private put(network: string, standing: Standing): void {
    this.networks.delete(network);
    this.networks.set(network, standing);
    const [oldest] = this.networks.size > networkLimit ? this.networks.keys() : [];
    if (oldest !== undefined) this.networks.delete(oldest);
  }
}
