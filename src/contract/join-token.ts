// Join tokens as the API speaks of them. The token itself is in the answer to its creation and nowhere else.

export interface JoinTokenRequest {
  /** `namespace/name` of the WorkloadGroup. */
  group: string;
  /** Seconds until it expires; default 3600, at most 7 days. */
  ttlSeconds?: number;
  /** Joins it is good for; default 1, at most 10000. */
  uses?: number;
}

export interface JoinTokenResponse {
  id: string;
  token: string;
  group: string;
  /** RFC 3339. */
  expiresAt: string;
  uses: number;
  /** `https://mesh.example.com:15012`, where machines join; absent where the control plane knows no name that they can use. */
  joinUrl?: string;
}

export interface JoinTokenInfo {
  id: string;
  group: string;
  createdAt: string;
  expiresAt: string;
  usesLeft: number;
}
