// What only several objects together show: dangling references, and claims that contradict each other.
import { defaultListenPorts, type ListenPorts } from "../listener-port.ts";
import type { Problem } from "../problem.ts";
import { type AnalyzedObject, type Report, toProblem } from "./analyzed-object.ts";
import { checkConflictingHosts } from "./conflicting-hosts.ts";
import { checkConflictingProtocols } from "./conflicting-protocol.ts";
import { checkDestinationRuleReferences } from "./destination-rule-references.ts";
import { checkEvadableConditions, type PathNormalization } from "./evadable-conditions.ts";
import { checkForeignAddresses, checkForeignHosts } from "./foreign-claims.ts";
import { checkListenerPorts } from "./listener-ports.ts";
import { indexMesh } from "./mesh-index.ts";
import { checkSelectedWorkloads } from "./selected-workloads.ts";
import { checkVirtualServiceReferences } from "./virtual-service-references.ts";

export interface AnalysisOptions {
  /** By default `cluster.local`. */
  domainSuffix?: string;
  /** Namespace whose policies apply to the whole mesh; by default `istio-system`. */
  rootNamespace?: string;
  /** By default Istio's. */
  listenPorts?: ListenPorts;
  /** By default Istio's. */
  pathNormalization?: PathNormalization;
  /** Problems of which objects are wanted; by default of all. The others still count as being there. */
  only?(object: AnalyzedObject): boolean;
  /** True where the objects are some files, and the mesh may hold more: what is missing may be there. */
  filesOnly?: boolean;
}

/** Problems of one analysis. */
const problemLimit = 1_000;

/**
 * Looks at the objects as one mesh. Pure; objects are never changed.
 *
 * @param objects objects that fit their schemas; of each object one
 * @returns warnings with Istio's codes, in the order of the objects
 */
export function analyze(objects: readonly AnalyzedObject[], options: AnalysisOptions = {}): Problem[] {
  const steps = analyzeInSteps(objects, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same, a few milliseconds of work at a time for a mesh of a thousand services: it yields in between. */
export function* analyzeInSteps(
  objects: readonly AnalyzedObject[],
  options: AnalysisOptions = {},
): Generator<void, Problem[], void> {
  const domainSuffix = options.domainSuffix ?? "cluster.local";
  const index = yield* indexMesh(objects, domainSuffix);
  const found = new Map<AnalyzedObject, Problem[]>();
  const report: Report = (each) => {
    if (options.only?.(each.on) === false) return;
    const problem = options.filesOnly === true && each.missing !== undefined ? amongFiles(each, each.missing) : each;
    const list = found.get(problem.on);
    if (list === undefined) found.set(problem.on, [toProblem(problem)]);
    else list.push(toProblem(problem));
  };
  const isWanted = (each: AnalyzedObject): boolean => options.only?.(each) !== false;
  const checks = [
    () => checkVirtualServiceReferences(index, report),
    () => checkConflictingHosts(index, report),
    () => checkForeignHosts(index, domainSuffix, report, isWanted),
    () => checkForeignAddresses(index, report, isWanted),
    () => checkDestinationRuleReferences(index, report),
    () => checkSelectedWorkloads(index, options.rootNamespace ?? "istio-system", report),
    () => checkConflictingProtocols(index, report),
    () => checkListenerPorts(index, options.listenPorts ?? defaultListenPorts, report),
    () => checkEvadableConditions(index, options.pathNormalization ?? "BASE", report),
  ];
  for (const check of checks) {
    check();
    yield;
  }
  return objects.flatMap((each) => found.get(each) ?? []).slice(0, problemLimit);
}

function amongFiles(problem: Parameters<Report>[0], missing: string): Parameters<Report>[0] {
  return {
    ...problem,
    message: `there is no ${missing} among these files`,
    remedy: `${problem.remedy} --dry-run=server looks at the mesh, too.`,
  };
}
