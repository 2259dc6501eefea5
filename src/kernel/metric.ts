// Prometheus metrics of one part. Label values come from fixed sets, so that series are bounded.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type { Counter, Gauge, Histogram } from "prom-client";

/** One series: its labels and its value. */
export type Reading<L extends string> = readonly [labels: Record<L, string>, value: number];

export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
}

export class Metrics {
  readonly registry = new Registry();

  /** Adds Node's process metrics (`process_*`, `nodejs_*`). */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter<L>({ name, help, labelNames, registers: [this.registry] });
  }

  gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge<L>({ name, help, labelNames, registers: [this.registry] });
  }

  /** `buckets` are upper bounds in the unit that the name states. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly L[] = [],
  ): Histogram<L> {
    return new Histogram<L>({ name, help, labelNames, buckets: [...buckets], registers: [this.registry] });
  }

  /** A counter of what is counted elsewhere: `read` is asked at each scrape. */
  readCounter<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: () => Iterable<Reading<L>>,
  ): void {
    new Counter<L>({
      ...{ name, help, labelNames, registers: [this.registry] },
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  }

  /** A gauge of what is known elsewhere: `read` is asked at each scrape. */
  readGauge<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: () => Iterable<Reading<L>>,
  ): void {
    new Gauge<L>({
      ...{ name, help, labelNames, registers: [this.registry] },
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  }

  /** What is registered, by name, without asking for values. */
  describe(): MetricDescription[] {
    return this.registry
      .getMetricsAsArray()
      .map((metric) => {
        const {
          name,
          help,
          labelNames = [],
        } = metric as unknown as Omit<MetricDescription, "labels" | "type"> & {
          labelNames?: readonly string[];
        };
        const kind = metric instanceof Counter ? "counter" : metric instanceof Histogram ? "histogram" : "gauge";
        return { name, help, type: kind, labels: [...labelNames] } as const;
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Prometheus text format 0.0.4. */
  async text(): Promise<string> {
    return this.registry.metrics();
  }
}
