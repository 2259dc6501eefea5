// Scopes that proxies used, kept in the store: after a restart their views are made before anybody is served, so that a fleet
// that comes back finds them.
import { fromUtf8 } from "../kernel/bytes.ts";
import type { Cancel, Clock } from "../kernel/clock.ts";
import { describeError } from "../kernel/error.ts";
import type { Stoppable } from "../kernel/lifecycle.ts";
import type { Log } from "../kernel/log.ts";
import type { Scope } from "../model/scope.ts";
import type { Store } from "../store/store.ts";
import type { ServedScope } from "../translate/mesh-generator.ts";

const key = "/scopes/recent";
/** Scopes that are remembered: each takes time before `ready`. */
const scopeLimit = 16;
/** Wait before scopes are written: a fleet that starts brings several, milliseconds. */
const delayMs = 1_000;

export class RememberedScopes implements Stoppable {
  private readonly options: { store: Store; clock: Clock; log: Log };
  private current: () => readonly ServedScope[] = () => [];
  private written = "";
  private cancel: Cancel | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(options: { store: Store; clock: Clock; log: Log }) {
    this.options = options;
  }

  /** What was used when the store was last written; nothing where that cannot be read. */
  async load(): Promise<ServedScope[]> {
    try {
      const entry = await this.options.store.get(key);
      this.written = entry === undefined ? "" : fromUtf8(entry.value);
      const list: unknown = this.written === "" ? [] : JSON.parse(this.written);
      return Array.isArray(list) ? list.filter(isServedScope).slice(0, scopeLimit) : [];
    } catch (error) {
      this.options.log.warn("the scopes in use before cannot be read", { error: describeError(error) });
      return [];
    }
  }

  /** Other scopes are in use; `current` tells which, the newest first. */
  note(current: () => readonly ServedScope[]): void {
    this.current = current;
    this.cancel ??= this.options.clock.after(delayMs, () => {
      this.cancel = undefined;
      this.write();
    });
  }

  async stop(): Promise<void> {
    this.cancel?.();
    await this.writing;
  }

  private write(): void {
    const text = JSON.stringify(this.current().slice(0, scopeLimit));
    if (text === this.written) return;
    this.written = text;
    this.writing = this.options.store.txn({ puts: [{ key, value: text }] }).then(
      () => {},
      (error: unknown) => {
        this.written = "";
        this.options.log.warn("the scopes in use cannot be stored", { error: describeError(error) });
      },
    );
  }
}

function isServedScope(value: unknown): value is ServedScope {
  const { scope, envoyVersion } = (value ?? {}) as Partial<ServedScope>;
  return typeof envoyVersion === "string" && isScope(scope);
}

function isScope(value: unknown): value is Scope {
  const { namespace, autoAddresses, sourceLabels, ipv6, ipv6Names } = (value ?? {}) as Partial<Scope>;
  const isText = (each: unknown): boolean => typeof each === "string";
  return (
    isText(namespace) &&
    [autoAddresses, ipv6, ipv6Names].every((each) => typeof each === "boolean") &&
    typeof sourceLabels === "object" &&
    sourceLabels !== null &&
    Object.values(sourceLabels).every(isText)
  );
}
