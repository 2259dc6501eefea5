// Who may have how many streams, so that nobody takes the places of all: a stream counts once it has proven itself.
import { SetMap } from "../../kernel/set-map.ts";
import { Tally } from "../../kernel/tally.ts";
import { serveErrors } from "../errors.ts";
import type { Peer } from "../peer.ts";
import type { AdsLimits } from "./limits.ts";

/** A stream, which is told where it must go. */
export interface StreamHolder {
  fail(error: unknown): void;
}

/** A limit that was reached, as the metric's label spells it. */
type PlaceLimit = "streams" | "waiting" | "identity" | "certificate";
type PlaceLimits = Pick<AdsLimits, "streams" | "waitingStreams" | "streamsPerIdentity" | "streamsPerCertificate">;

interface Place {
  readonly identity: string;
  /** Serial number; undefined on a plaintext stream. */
  readonly certificate: string | undefined;
}

export class StreamPlaces {
  private readonly limits: PlaceLimits;
  private readonly onLimit: (limit: PlaceLimit) => void;
  /** Streams whose first request has not come, oldest first. */
  private readonly waiting = new Set<StreamHolder>();
  private readonly places = new Map<StreamHolder, Place>();
  private readonly perIdentity = new Tally<string>();
  /** Streams by certificate, oldest first. */
  private readonly byCertificate = new SetMap<string, StreamHolder>();

  constructor(limits: PlaceLimits, onLimit: (limit: PlaceLimit) => void) {
    this.limits = limits;
    this.onLimit = onLimit;
  }

  /** A stream has come and says nothing yet. Where too many are silent, the oldest fails: honest ones speak at once. */
  arrive(holder: StreamHolder): void {
    this.waiting.add(holder);
    if (this.waiting.size <= this.limits.waitingStreams) return;
    const [oldest] = this.waiting;
    this.end(oldest, "waiting", "there are too many streams without a request");
  }

  /**
   * A stream has proven itself. Where its certificate has too many streams, the oldest of them fails, because a machine
   * that comes back may not have lost its old ones yet.
   *
   * @throws LateenError LAT2101 where there are too many, in all or of its identity
   */
  admit(holder: StreamHolder, peer: Peer): void {
    const place = placeOf(peer);
    const { streams, streamsPerIdentity, streamsPerCertificate } = this.limits;
    if (this.places.size >= streams) this.refuse("streams", `there are ${streams} streams already`);
    if (this.perIdentity.get(place.identity) >= streamsPerIdentity) {
      this.refuse("identity", `${place.identity} has ${streamsPerIdentity} streams already`);
    }
    this.waiting.delete(holder);
    this.places.set(holder, place);
    this.perIdentity.add(place.identity);
    if (place.certificate === undefined) return;
    const siblings = this.byCertificate.add(place.certificate, holder);
    if (siblings.size <= streamsPerCertificate) return;
    const [oldest] = siblings;
    this.end(oldest, "certificate", `its certificate has ${streamsPerCertificate} newer streams`);
  }

  /** A stream is over, whatever its state was. */
  leave(holder: StreamHolder): void {
    this.waiting.delete(holder);
    const place = this.places.get(holder);
    if (place === undefined) return;
    this.places.delete(holder);
    this.perIdentity.remove(place.identity);
    if (place.certificate !== undefined) this.byCertificate.delete(place.certificate, holder);
  }

  /** Streams that have proven themselves, and streams that have not yet. */
  get counts(): { admitted: number; waiting: number } {
    return { admitted: this.places.size, waiting: this.waiting.size };
  }

  private refuse(limit: PlaceLimit, message: string): never {
    this.onLimit(limit);
    throw serveErrors.limitExceeded(message);
  }

  private end(holder: StreamHolder | undefined, limit: PlaceLimit, message: string): void {
    if (holder === undefined) return;
    this.onLimit(limit);
    this.leave(holder);
    holder.fail(serveErrors.limitExceeded(message));
  }
}

/** Plaintext streams prove nothing and share one identity. */
function placeOf(peer: Peer): Place {
  if (peer.kind !== "verified") return { identity: "plaintext", certificate: undefined };
  return { identity: peer.identities.join(" "), certificate: peer.serialNumber };
}
