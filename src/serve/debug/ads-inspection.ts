// What the ADS server tells of its waiting lines and caches.

export interface CacheCounts {
  /** Absent where nobody can count: what lives as long as something else does. */
  readonly kept?: number;
  readonly hits: number;
  readonly misses: number;
}

type BoundedCounts = CacheCounts & { readonly kept: number; readonly limit: number };
type BytesCounts = BoundedCounts & { readonly bytes: number };

export interface AdsCaches {
  readonly requests: BytesCounts;
  readonly answers: BoundedCounts;
  readonly sections: BytesCounts;
  readonly names: CacheCounts;
  readonly texts: BytesCounts;
}

export interface AdsInspection {
  /** Streams that wait to be pushed to, and messages on their way. */
  readonly push: { readonly waiting: number; readonly writing: number; readonly writingLimit: number };
  /** Streams that have proven themselves, and those whose first request has not come. */
  readonly streams: {
    readonly admitted: number;
    readonly admittedLimit: number;
    readonly waiting: number;
    readonly waitingLimit: number;
  };
  /** Streams whose requests wait to be taken, or that are gone and hold something still. */
  readonly requests: { readonly waiting: number };
  readonly requestBytes: { readonly held: number; readonly limit: number };
  readonly unfinishedBytes: { readonly held: number; readonly limit: number };
  readonly caches: AdsCaches;
}
