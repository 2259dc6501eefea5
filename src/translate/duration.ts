// Milliseconds as google.protobuf.Duration.
import { create } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import { parseDurationMs } from "../config/duration.ts";

export function durationFromMs(ms: number): Duration {
  const seconds = Math.trunc(ms / 1000);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) });
}

/** A validated duration field of the API; undefined where it is absent. */
export function durationFrom(text: string | undefined): Duration | undefined {
  const ms = text === undefined ? undefined : parseDurationMs(text);
  return ms === undefined ? undefined : durationFromMs(ms);
}
