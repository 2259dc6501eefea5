// The life of a machine's capture: applied whole, tested, confirmed or taken back, checked, removed.
import type { Clock } from "../kernel/clock.ts";
import { describeError, LateenError } from "../kernel/error.ts";
import type { Stoppable } from "../kernel/lifecycle.ts";
import type { Log } from "../kernel/log.ts";
import type { CaptureBackend } from "./capture-backend.ts";
import type { CapturePlan } from "./capture-plan.ts";
import { type CaptureProbe, type ProbeResult, runProbes } from "./capture-probe.ts";
import type { CaptureCheck, CaptureState } from "./capture-state.ts";
import { capturedProbe } from "./captured-probe.ts";
import { captureErrors } from "./errors.ts";
import { lifelineProbe } from "./lifeline-probe.ts";
import type { LoadedRules } from "./loaded-rules.ts";
import { planHash } from "./nftables.ts";
import { type GuardStarter, type RevertGuard, startRevertGuard } from "./revert-guard.ts";
import { runRuleStep } from "./rule-step.ts";

export interface CaptureOptions {
  backend: CaptureBackend;
  clock: Clock;
  log: Log;
  /** How long rules may stay without being confirmed; rounded up to whole seconds. */
  confirmWithinMs?: number;
  /** How long the self-test may take; must be less than `confirmWithinMs`. */
  probeMs?: number;
  /** Called when unconfirmed rules were taken back by a guard. */
  onReverted?: (error: LateenError) => void;
  startGuard?: GuardStarter;
}

const defaultConfirmWithinMs = 30_000;
const defaultProbeMs = 10_000;

export class Capture implements Stoppable {
  private readonly options: CaptureOptions;
  private current: CaptureState = { kind: "absent" };
  /** Operations run one after the other. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(options: CaptureOptions) {
    this.options = options;
  }

  get state(): CaptureState {
    return this.current;
  }

  /**
   * Puts the plan in place, tests the machine and keeps the rules only if every probe succeeds.
   *
   * @throws LateenError LAT4103 where a probe failed (the rules are gone again), LAT4102 or LAT4104
   */
  async install(plan: CapturePlan, probes: readonly CaptureProbe[]): Promise<ProbeResult[]> {
    await this.apply(plan);
    const results = await this.selfTest(probes);
    const failed = results.flatMap((result) => (result.ok ? [] : [`${result.name}: ${result.reason}`]));
    if (failed.length === 0) {
      await this.confirm();
      return results;
    }
    await this.revert(`the self-test failed: ${failed.join("; ")}`);
    throw captureErrors.selfTestFailed(`traffic capture was taken back: ${failed.join("; ")}`);
  }

  /**
   * Replaces whatever is in place. The guards are armed first, so that there is no moment without a way back. A plan that
   * was confirmed before is what they go back to.
   *
   * @throws LateenError LAT4102 where the rules could not be loaded; then nothing has changed
   */
  apply(plan: CapturePlan): Promise<void> {
    return this.exclusive(async () => {
      const { backend, log, confirmWithinMs = defaultConfirmWithinMs } = this.options;
      const previous = await this.settle();
      const guards: RevertGuard[] = [];
      const start = this.options.startGuard ?? startRevertGuard;
      try {
        const steps = await backend.replaceSteps(plan);
        for (const step of await backend.revertSteps(previous?.plan)) guards.push(await start(step, confirmWithinMs));
        for (const step of steps) await runRuleStep(step);
      } catch (cause) {
        await this.restore(previous?.plan, guards);
        if (cause instanceof LateenError && cause.code !== "LAT4001") throw cause;
        throw captureErrors.notApplied("the capture rules could not be loaded", { cause });
      }
      const state: CaptureState = { kind: "unconfirmed", plan, previous, guards };
      this.current = state;
      for (const guard of guards) void guard.ended.then((end) => this.guardEnded(state, end));
      log.info("traffic capture applied, not yet confirmed", { backend: backend.name, plan: planHash(plan) });
    });
  }

  /**
   * Runs the given probes and, always, those that follow connections through the loaded rules: SSH, metadata and control
   * plane, which must pass, and others of every address family, which must not.
   */
  async selfTest(probes: readonly CaptureProbe[]): Promise<ProbeResult[]> {
    const { clock, backend, probeMs = defaultProbeMs } = this.options;
    if (this.current.kind === "absent") throw captureErrors.wrongState("there are no capture rules to test");
    const { plan } = this.current;
    const read = once(() => backend.read());
    const all = [lifelineProbe(plan, read), capturedProbe(plan, read), ...probes];
    return runProbes(all, { clock, deadlineMs: probeMs });
  }

  /**
   * Keeps the rules.
   *
   * @throws LateenError LAT4104 where a guard was faster or the rules are gone, LAT4107 where there is nothing to confirm
   */
  confirm(): Promise<void> {
    return this.exclusive(async () => {
      const state = this.current;
      if (state.kind !== "unconfirmed") {
        throw captureErrors.wrongState(`capture is ${state.kind}, so there is nothing to confirm`);
      }
      const ends = await Promise.all(state.guards.map((guard) => guard.cancel()));
      const loaded = await this.options.backend.read();
      const intact = loaded.length > 0 && loaded.every((rules) => rules.planHash === planHash(state.plan));
      if (!intact || ends.some((end) => end !== "cancelled")) {
        await this.restore(state.previous?.plan, []);
        this.current = state.previous ?? { kind: "absent" };
        throw captureErrors.reverted("the capture rules were taken back before they were confirmed");
      }
      this.current = { kind: "confirmed", plan: state.plan, signature: signatureOf(loaded) };
      this.options.log.info("traffic capture confirmed", { plan: planHash(state.plan) });
    });
  }

  /** Takes unconfirmed rules back now: to the plan confirmed before, or to none. Does nothing in any other state. */
  revert(reason: string): Promise<void> {
    return this.exclusive(async () => {
      if (this.current.kind !== "unconfirmed") return;
      this.options.log.warn("traffic capture taken back", { reason });
      await this.settle();
    });
  }

  /** Compares what the kernel holds with what was confirmed. */
  check(): Promise<CaptureCheck> {
    return this.exclusive(async () => {
      const loaded = await this.options.backend.read();
      const state = this.current;
      if (state.kind === "absent") return { kind: loaded.length === 0 ? "absent" : "left-over" };
      if (loaded.length === 0) return { kind: "missing" };
      if (state.kind === "unconfirmed") return { kind: "unconfirmed" };
      if (signatureOf(loaded) !== state.signature) return { kind: "changed" };
      const by = loaded.flatMap((rules) => rules.outrankedBy);
      return by.length === 0 ? { kind: "intact" } : { kind: "outranked", by };
    });
  }

  /**
   * Loads the confirmed plan again after somebody changed or flushed it. It was tested before, so no guard is needed.
   *
   * @throws LateenError LAT4102, LAT4107
   */
  repair(): Promise<void> {
    return this.exclusive(async () => {
      const state = this.current;
      if (state.kind !== "confirmed") throw captureErrors.wrongState(`capture is ${state.kind}: nothing to repair`);
      try {
        for (const step of await this.options.backend.replaceSteps(state.plan)) await runRuleStep(step);
      } catch (cause) {
        throw captureErrors.notApplied("the capture rules could not be loaded again", { cause });
      }
      this.current = { ...state, signature: signatureOf(await this.options.backend.read()) };
    });
  }

  /**
   * Leaves nothing, whoever loaded it; also where there is nothing.
   *
   * @throws LateenError LAT4106
   */
  remove(): Promise<void> {
    return this.exclusive(async () => {
      const state = this.current;
      const { backend, log } = this.options;
      try {
        await backend.remove();
        // A guard that goes back to an earlier plan may fire until it is cancelled; what it loads goes as well.
        if (state.kind === "unconfirmed") await Promise.all(state.guards.map((guard) => guard.cancel()));
        await backend.remove();
        if ((await backend.read()).length > 0) throw captureErrors.notRemoved("rules of ours are still loaded");
      } catch (cause) {
        throw captureErrors.notRemoved("the capture rules could not be removed", { cause });
      }
      this.current = { kind: "absent" };
      log.info("traffic capture removed");
    });
  }

  /** True where rules of ours are loaded, by this process or another. */
  async present(): Promise<boolean> {
    return (await this.options.backend.read()).length > 0;
  }

  /** Takes unconfirmed rules back; confirmed ones stay, so that the agent can restart under traffic. */
  stop(): Promise<void> {
    return this.revert("the agent stops");
  }

  private exclusive<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.queue.then(operation);
    this.queue = result.catch(() => {});
    return result;
  }

  /** Brings an unconfirmed state to its end; returns what is confirmed then. */
  private async settle(): Promise<Extract<CaptureState, { kind: "confirmed" }> | undefined> {
    const state = this.current;
    if (state.kind !== "unconfirmed") return state.kind === "confirmed" ? state : undefined;
    this.current = state.previous ?? { kind: "absent" };
    await this.restore(state.previous?.plan, state.guards);
    return state.previous;
  }

  /** Restores first and cancels the guards last: until then they are the way back. */
  private async restore(plan: CapturePlan | undefined, guards: readonly RevertGuard[]): Promise<void> {
    const { backend, log } = this.options;
    try {
      for (const step of await backend.revertSteps(plan)) await runRuleStep(step);
      if (plan === undefined) await backend.remove();
    } catch (error) {
      log.error("capture rules could not be taken back; their guard tries again", { error: describeError(error) });
      return;
    }
    await Promise.all(guards.map((guard) => guard.cancel()));
  }

  private async guardEnded(state: CaptureState, end: Awaited<RevertGuard["ended"]>): Promise<void> {
    if (end === "cancelled") return;
    await this.exclusive(async () => {
      if (this.current !== state) return;
      // One guard may have fired alone (iptables has one a family), or died: finish its work.
      await this.settle();
      const error = captureErrors.reverted("the capture rules were not confirmed in time and were taken back");
      this.options.log.error(error.message, { code: error.code, guard: end });
      this.options.onReverted?.(error);
    });
  }
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= read();
    return result;
  };
}

function signatureOf(loaded: readonly LoadedRules[]): string {
  return loaded.map((rules) => rules.signature).join("\n");
}
