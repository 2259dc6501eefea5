// How many scopes there are that differ from others by their labels: a machine says its labels itself.
import type { Log } from "../kernel/log.ts";
import { SetMap } from "../kernel/set-map.ts";
import { type Scope, scopeKey } from "../model/scope.ts";

/** Such scopes at most, of one namespace and in all: each is a layer of some 100 KB. */
const limits = { namespace: 128, all: 1024 };

export class LabelledScopes {
  private readonly log: Log | undefined;
  private readonly byNamespace = new SetMap<string, string>();
  private count = 0;
  private turnedDown = 0;

  constructor(log: Log | undefined) {
    this.log = log;
  }

  /** How often a proxy was given a scope without labels because there were too many. */
  get withoutLabels(): number {
    return this.turnedDown;
  }

  /**
   * The scope, or where there are too many, the one that callers without labels have: rules that choose nobody hold for the
   * proxy. Refused, it would have nothing; let in, it would cost all others their memory.
   */
  admit(scope: Scope): Scope {
    if (!isLabelled(scope)) return scope;
    const { namespace, sourceLabels } = scope;
    const present = this.byNamespace.get(namespace);
    if (present.has(scopeKey(scope))) return scope;
    if (present.size < limits.namespace && this.count < limits.all) return scope;
    if (this.turnedDown === 0) {
      const message =
        "too many sets of labels that rules choose callers by; more proxies get what callers without labels get";
      this.log?.warn(message, { namespace, sourceLabels, limits });
    }
    this.turnedDown += 1;
    return { ...scope, sourceLabels: {} };
  }

  /** A view of the scope was made; to be called once, until `end`. */
  begin(scope: Scope): void {
    if (!isLabelled(scope)) return;
    this.byNamespace.add(scope.namespace, scopeKey(scope));
    this.count += 1;
  }

  end(scope: Scope): void {
    if (!isLabelled(scope)) return;
    this.byNamespace.delete(scope.namespace, scopeKey(scope));
    this.count -= 1;
  }
}

function isLabelled({ sourceLabels }: Scope): boolean {
  return Object.keys(sourceLabels).length > 0;
}
