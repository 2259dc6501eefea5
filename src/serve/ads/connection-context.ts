// What all streams of one server share.
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Slices } from "../../kernel/slices.ts";
import type { Generator } from "../../xds/generator.ts";
import type { Sharing } from "../../xds/sharing.ts";
import type { PushLog } from "../debug/push-log.ts";
import type { Peer } from "../peer.ts";
import type { AdsHooks } from "./ads-hooks.ts";
import type { AdsMetrics } from "./ads-metrics.ts";
import type { ChunkPool } from "./chunk-pool.ts";
import type { AdsLimits } from "./limits.ts";
import type { PushQueue } from "./push-queue.ts";
import type { RecentRequests } from "./recent-requests.ts";
import type { RequestMemory } from "./request-memory.ts";
import type { RequestQueue } from "./request-queue.ts";
import type { SharedSections } from "./shared-sections.ts";
import type { TextTable } from "./text-table.ts";
import type { UnfinishedRequests } from "./unfinished-requests.ts";

export interface ConnectionContext {
  readonly generator: Generator;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: AdsMetrics;
  readonly limits: AdsLimits;
  readonly hooks: AdsHooks;
  readonly queue: PushQueue;
  readonly requests: RequestQueue;
  /** Those that came in the same bytes from others. */
  readonly recentRequests: RecentRequests;
  readonly requestMemory: RequestMemory;
  readonly sections: SharedSections;
  readonly sharing: Sharing;
  readonly chunks: ChunkPool;
  readonly slices: Slices;
  /** Names and versions that requests bring. */
  readonly texts: TextTable;
  readonly pushes: PushLog;
  readonly unfinished: UnfinishedRequests;
  readonly controlPlane: string;
}

/** What a stream tells its server. */
export interface ConnectionEvents {
  /** Everything that was asked for is acknowledged. */
  settled(): void;
  /**
   * The peer has proven itself and is about to be served.
   *
   * @throws LateenError LAT2101 where there is no place
   */
  proven(peer: Peer): void;
  /** The stream is over; called once. */
  closed(): void;
}
