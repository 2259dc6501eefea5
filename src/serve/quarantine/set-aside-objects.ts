// An object that makes derivations throw twice is set aside: the mesh goes on with its last version that could be carried
// out, or without it. A corrected object is tried anew.
import type { Collection } from "../../collection/collection.ts";
import type { DerivationFailure, Graph } from "../../collection/graph.ts";
import { Overlay } from "../../collection/overlay.ts";
import { Source } from "../../collection/source.ts";
import { kindByName } from "../../config/kinds.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Gauge } from "../../kernel/metric.ts";
import { type ConfigRef, formatConfigRef } from "../../xds/config-ref.ts";
import type { RefusalStatus } from "./refusal-status.ts";

/** Failures that wait for their second try; more are only logged. */
const pendingLimit = 1_000;
/** Objects set aside at one time. */
const asideLimit = 256;
/** Objects that are tried for one failure. */
const triedLimit = 16;
/** Inputs of one derivation that are looked through. */
const inputLimit = 20_000;
/** Characters of an error in a status. */
const errorLength = 600;
/** See serveErrors.setAside. */
const setAsideCode = "LAT2118";

interface Aside {
  readonly config: Config;
  /** Its last version that could be carried out. */
  readonly instead: Config | undefined;
  readonly error: unknown;
  readonly sinceMs: number;
}

export interface SetAsideOptions {
  /** Cluster id of this control plane, part of each object's key. */
  readonly source: string;
  /** Objects that changed lately, those that changed together in one list, the last first. */
  readonly recent: () => readonly (readonly ConfigRef[])[];
  readonly clock: Clock;
  readonly log: Log;
  /** How many objects are set aside. */
  readonly count: Gauge;
}

interface Over {
  readonly objects: Collection<Config>;
  readonly aside: Source<Aside>;
  readonly statuses: Source<RefusalStatus>;
}

export class SetAsideObjects implements Stoppable {
  private readonly options: SetAsideOptions;
  private readonly pending = new Map<string, DerivationFailure>();
  /** The version before the present one; that of a version that was set aside is what stood for it. */
  private readonly before = new WeakMap<Config, Config>();
  private over: Over | undefined;
  private unsubscribe: () => void = () => {};
  private timer: Cancel | undefined;
  /** What threw while something is tried. */
  private thrown: Map<string, DerivationFailure> | undefined;

  constructor(options: SetAsideOptions) {
    this.options = options;
  }

  /**
   * The objects as the mesh is to see them.
   *
   * @returns also what authors are told, by `formatConfigKey`
   */
  watch(graph: Graph, objects: Collection<Config>): { carried: Collection<Config>; statuses: Source<RefusalStatus> } {
    const aside = new Source<Aside>(graph, "set-aside-objects", Object.is);
    const statuses = new Source<RefusalStatus>(graph, "set-aside-statuses");
    this.over = { objects, aside, statuses };
    this.unsubscribe = objects.subscribe((changes) => {
      for (const { key, before, after } of changes) {
        if (before !== undefined) this.remember(key, before, after);
      }
      this.publish();
    });
    const carried = new Overlay<Config, Aside>({
      name: "carried-objects",
      from: objects,
      by: aside,
      keysOf: ({ config }) => [formatConfigKey(config.key)],
      derive: (config, key) => {
        const found = aside.get(key);
        return found?.config === config ? found.instead : config;
      },
      equals: Object.is,
    });
    return { carried, statuses };
  }

  /** For the graph: told of each derivation that threw. Must not throw itself. */
  failed(failure: DerivationFailure): void {
    const id = `${failure.collection}\n${failure.key}`;
    if (this.thrown !== undefined) {
      this.thrown.set(id, failure);
      return;
    }
    if (this.pending.has(id)) return;
    const { collection, key, error } = failure;
    this.options.log.error("an object could not be carried out; what was good before stays", {
      ...{ collection, key, error: describeError(error) },
    });
    if (this.pending.size >= pendingLimit) return;
    this.pending.set(id, failure);
    this.timer ??= this.options.clock.after(0, () => {
      this.timer = undefined;
      const due = [...this.pending];
      this.pending.clear();
      for (const [each, found] of due) this.tryAgain(each, found);
      this.publish();
    });
  }

  async stop(): Promise<void> {
    this.timer?.();
    this.unsubscribe();
  }

  private remember(key: string, before: Config, after: Config | undefined): void {
    const aside = this.over?.aside.get(key);
    const wasAside = aside?.config === before;
    const good = wasAside ? aside.instead : before;
    this.before.delete(before);
    if (after !== undefined && good !== undefined) this.before.set(after, good);
    if (wasAside) this.over?.aside.delete(key);
  }

  private tryAgain(id: string, failure: DerivationFailure): void {
    const again = failure.retry === undefined ? failure : this.observe(id, failure.retry);
    if (again === undefined || this.over === undefined) return;
    const suspects = this.suspectsOf(again);
    for (const config of suspects.slice(0, triedLimit)) if (this.tryWithout(id, again, config)) return;
    const { collection, key, error } = again;
    this.options.log.error("what could not be carried out cannot be traced to one object", {
      ...{ collection, key, error: describeError(error), objects: suspects.length },
    });
  }

  /** Does something, and tells how the failure fares by it. */
  private observe(id: string, work: () => void): DerivationFailure | undefined {
    this.thrown = new Map();
    try {
      work();
      return this.thrown.get(id);
    } finally {
      this.thrown = undefined;
    }
  }

  /** Whether it goes well with the version before, or without the object; it stays like that then. */
  private tryWithout(id: string, failure: DerivationFailure, config: Config): boolean {
    const { over } = this;
    const key = formatConfigKey(config.key);
    if (over === undefined || over.objects.get(key) !== config || over.aside.has(key)) return false;
    if (over.aside.size >= asideLimit) return false;
    const good = this.before.get(config);
    for (const instead of good === undefined ? [undefined] : [good, undefined]) {
      const aside: Aside = { config, instead, error: failure.error, sinceMs: this.options.clock.now() };
      const still = this.observe(id, () => {
        over.aside.set(key, aside);
        failure.retry?.();
      });
      if (still !== undefined) continue;
      this.options.log.error("an object is set aside, because what it makes cannot be computed", {
        object: formatConfigRef(config.key),
        ...{ collection: failure.collection, error: describeError(failure.error) },
      });
      return true;
    }
    this.observe(id, () => over.aside.delete(key));
    return false;
  }

  /** The objects behind the inputs, those that changed last first. */
  private suspectsOf({ inputs = () => [] }: DerivationFailure): Config[] {
    const refs = new Map<string, ConfigRef>();
    let left = inputLimit;
    const take = (value: unknown): void => {
      if (value === null || typeof value !== "object" || --left < 0) return;
      if (Array.isArray(value)) for (const each of value) take(each);
      else if ("key" in value && "spec" in value && "meta" in value) addRef(refs, (value as Config).key);
      else if ("sources" in value && Array.isArray(value.sources)) {
        for (const ref of value.sources as ConfigRef[]) addRef(refs, ref);
      }
    };
    for (const input of inputs()) take(input);
    const recent = this.options.recent().flatMap((changed) => changed.map(formatConfigRef));
    const order = [...recent.filter((ref) => refs.has(ref)), ...refs.keys()];
    return [...new Set(order)].flatMap((ref) => this.configOf(refs.get(ref)) ?? []);
  }

  private configOf(ref: ConfigRef | undefined): Config | undefined {
    const group = ref === undefined ? undefined : kindByName(ref.kind)?.group;
    if (ref === undefined || group === undefined) return undefined;
    const { kind, namespace, name } = ref;
    return this.over?.objects.get(formatConfigKey({ source: this.options.source, group, kind, namespace, name }));
  }

  private publish(): void {
    if (this.over === undefined) return;
    const { aside, statuses } = this.over;
    this.options.count.set(aside.size);
    statuses.replace(new Map([...aside.entries()].map(([key, each]) => [key, statusOf(each)])));
  }
}

function addRef(refs: Map<string, ConfigRef>, { kind, namespace, name }: ConfigRef): void {
  refs.set(formatConfigRef({ kind, namespace, name }), { kind, namespace, name });
}

function statusOf({ instead, error, sinceMs }: Aside): RefusalStatus {
  const holds = instead === undefined ? "it is left out" : "its last version that could be carried out stays";
  const message = `it cannot be carried out, because of a defect of Lateen: ${describeError(error).slice(0, errorLength)}; ${holds}`;
  const lastTransitionTime = new Date(sinceMs).toISOString();
  return {
    conditions: [{ type: "CarriedOut", status: "False", reason: "SetAside", message, lastTransitionTime }],
    validationMessages: [{ type: { code: setAsideCode }, level: "ERROR", message }],
  };
}
