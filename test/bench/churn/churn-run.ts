// Changes at a rate, calls all the while, and what came of it.
import type { CallWay } from "../../kit/app/caller.ts";
import type { Program } from "../../kit/program.ts";
import { monotonicMs } from "../xds/fleet-messages.ts";
import { CallRecord } from "./call-record.ts";
import type { ChurnMesh } from "./churn-mesh.ts";
import { type ChangeKind, type Step, serviceStory, spareStory } from "./story.ts";
import type { Writer } from "./writers.ts";

/** Calls of each caller, a second. */
const callsPerSecond = 25;
const ways: CallWay[] = ["keep", "fresh", "grpc", "tcp", "keep"];
const spares = 3;
/** At least so long between two changes whose arrival in every Envoy is watched, milliseconds: looking costs them time. */
const watchEveryMs = 1_500;

interface Story {
  key: string;
  steps: Generator<Step, never>;
  write: Writer;
  /** It goes on when this has come to be. */
  waiting: boolean;
}

/** Within which a changed cluster is active on every Envoy, milliseconds. */
export const activeWithinMs = 1_000;

export class ChurnRun {
  readonly record = new CallRecord();
  readonly counts: Record<ChangeKind, number> = { endpoints: 0, routes: 0, subsets: 0, policies: 0, services: 0 };
  /** From the write of a DestinationRule until the last Envoy had its clusters active, milliseconds. */
  readonly activeMs: number[] = [];
  /** Those that took longer than `activeWithinMs`, with when they were written. */
  readonly late: string[] = [];
  /** Changes that some Envoy did not have active in time. */
  readonly inactive: string[] = [];
  private readonly churn: ChurnMesh;
  private readonly stories: Story[];
  private readonly programs: Program[];
  private readonly pending = new Set<Promise<void>>();
  private turn = 0;
  private watchedMs = 0;
  private failure: unknown;
  private readonly bornMs = monotonicMs();

  constructor(churn: ChurnMesh) {
    this.churn = churn;
    const { record } = this;
    this.stories = [
      ...churn.services.map(({ service, write }) => {
        record.reach(service.key, [...service.v1, ...service.v2]);
        record.route(service.key, "", [...service.v1, ...service.v2]);
        return { key: service.key, steps: serviceStory(service), write, waiting: false };
      }),
      ...Array.from({ length: spares }, (_, index) => {
        const key = `spare-${index}`;
        return { key, steps: spareStory(key), write: churn.api.write, waiting: false };
      }),
    ];
    const targets = churn.services.map(({ service: { key, host } }) => ({ key, host, ways }));
    this.programs = churn.call({ targets, perSecond: callsPerSecond }, (caller, report) => record.take(caller, report));
  }

  get changes(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** Resolves once every caller has had an answer of every service. */
  async answering(): Promise<void> {
    for (const { service } of this.churn.services) await this.record.until(service.key, "", this.programs.length);
  }

  /**
   * Makes one change: the next step of the next story that does not wait for something.
   *
   * @throws what a write has failed with
   */
  change(): void {
    if (this.failure !== undefined) throw this.failure;
    for (let tried = 0; tried < this.stories.length; tried++) {
      const story = this.stories[this.turn++ % this.stories.length];
      if (story === undefined || story.waiting) continue;
      story.waiting = true;
      const doing = this.tell(story, story.steps.next().value).then(
        () => {
          story.waiting = false;
        },
        (error: unknown) => {
          this.failure ??= error;
        },
      );
      this.pending.add(doing);
      void doing.then(() => this.pending.delete(doing));
      return;
    }
  }

  /** Waits for what is on its way; then calls end. */
  async finish(): Promise<void> {
    await Promise.all(this.pending);
    if (this.failure !== undefined) throw this.failure;
    for (const program of this.programs) program.endInput();
    for (const program of this.programs) await program.ended;
  }

  private async tell(story: Story, step: Step): Promise<void> {
    const { record, churn } = this;
    const { key } = story;
    if (step.after !== undefined) await record.until(key, step.after, this.programs.length);
    this.counts[step.kind] += 1;
    record.changed(step.what);
    if (step.route !== undefined) record.route(key, step.route.step, step.route.names);
    if (step.endpoints !== undefined) record.reach(key, step.endpoints);
    const startMs = monotonicMs();
    const written = story.write(step.writes);
    const { clusters } = step;
    if (clusters !== undefined && startMs - this.watchedMs > watchEveryMs) {
      this.watchedMs = startMs;
      // Of one port, and of each cluster one field: what Envoy writes out is what looking costs it.
      const names = encodeURIComponent(`outbound\\|80\\|.*\\|${hostOf(churn, key)}`);
      const path = `/config_dump?resource=dynamic_active_clusters&name_regex=${names}&mask=cluster.connect_timeout`;
      const all = await churn.probes.watch({ path, text: clusters.marker, times: clusters.count });
      const late = all.filter(({ seen }) => seen.atMs === undefined).map(({ machine }) => machine);
      if (late.length > 0) this.inactive.push(`${step.what}: not active on ${late.join(", ")}`);
      else this.noteActive(step.what, startMs, Math.max(...all.map(({ seen }) => seen.atMs ?? 0)));
    }
    await written;
  }

  private noteActive(what: string, startMs: number, atMs: number): void {
    const tookMs = atMs - startMs;
    this.activeMs.push(tookMs);
    if (tookMs <= activeWithinMs) return;
    const second = ((startMs - this.bornMs) / 1000).toFixed(0);
    this.late.push(`${what}: active after ${tookMs.toFixed(0)} ms, second ${second}`);
  }
}

function hostOf({ services }: ChurnMesh, key: string): string {
  return services.find(({ service }) => service.key === key)?.service.host ?? key;
}
