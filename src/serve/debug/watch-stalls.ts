// The stall watch of a whole process, with its metric.
import type { Clock } from "../../kernel/clock.ts";
import type { Histogram, Metrics } from "../../kernel/metric.ts";
import { StallWatch } from "./stall-watch.ts";
import { watchGc } from "./watch-gc.ts";

export function watchStalls(clock: Clock, metrics: Metrics): StallWatch {
  const seconds = stallSeconds(metrics);
  return new StallWatch({ clock, watchGc, onStall: (tookMs) => seconds.observe(tookMs / 1000) });
}

export function stallSeconds(metrics: Metrics): Histogram {
  return metrics.histogram(
    "lateen_event_loop_stall_seconds",
    "Times that the event loop stood still for 20 ms or more, seconds.",
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  );
}
