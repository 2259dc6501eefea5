// Syntax → program: what the matcher steps through, one instruction for each character, branch and bracket.
import { quoted } from "../../kernel/quote.ts";
import { simulateErrors } from "../errors.ts";
import { parseRegex } from "./parse-regex.ts";
import type { Assertion, CharSet, RegexNode } from "./syntax.ts";

export type Instruction =
  | { readonly op: "char"; readonly set: CharSet }
  | { readonly op: "assert"; readonly assertion: Assertion }
  /** Notes the position: 2n where capture n begins, 2n+1 where it ends. */
  | { readonly op: "save"; readonly slot: number }
  /** Tries `first` before `second`. */
  | { readonly op: "split"; first: number; second: number }
  | { readonly op: "jump"; to: number }
  | { readonly op: "match" };

export interface RegexProgram {
  readonly instructions: readonly Instruction[];
  /** Number of save slots. */
  readonly slots: number;
}

/** Instructions of one program; Envoy's own limit for RE2 programs is 100 by default and raised by Istio to 32768. */
const programLimit = 32_768;

/** Programs kept: rules of a mesh use few expressions, a test of all its routes uses each many times. */
const cacheLimit = 256;
const cache = new Map<string, RegexProgram>();

/** @throws LateenError LAT2201 */
export function compileRegex(pattern: string): RegexProgram {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  const { root, captures } = parseRegex(pattern);
  const instructions: Instruction[] = [];
  const emit = (instruction: Instruction): number => {
    if (instructions.length >= programLimit) {
      throw simulateErrors.cannotSimulate(`the regular expression ${quoted(pattern, 200)} is too large`);
    }
    return instructions.push(instruction) - 1;
  };
  emitNode({ kind: "capture", index: 0, body: root }, emit, instructions);
  emit({ op: "match" });
  const program = { instructions, slots: 2 * (captures + 1) };
  if (cache.size >= cacheLimit) cache.clear();
  cache.set(pattern, program);
  return program;
}

type Emit = (instruction: Instruction) => number;

function emitNode(node: RegexNode, emit: Emit, instructions: readonly Instruction[]): void {
  switch (node.kind) {
    case "char":
      emit({ op: "char", set: node.set });
      return;
    case "assert":
      emit({ op: "assert", assertion: node.assertion });
      return;
    case "sequence":
      for (const part of node.parts) emitNode(part, emit, instructions);
      return;
    case "capture":
      emit({ op: "save", slot: 2 * node.index });
      emitNode(node.body, emit, instructions);
      emit({ op: "save", slot: 2 * node.index + 1 });
      return;
    case "choice":
      emitChoice(node.options, emit, instructions);
      return;
    case "repeat":
      emitRepeat(node, emit, instructions);
  }
}

function emitChoice(options: readonly RegexNode[], emit: Emit, instructions: readonly Instruction[]): void {
  const ends: { to: number }[] = [];
  for (const [index, option] of options.entries()) {
    if (index === options.length - 1) {
      emitNode(option, emit, instructions);
      break;
    }
    const split = { op: "split" as const, first: 0, second: 0 };
    split.first = emit(split) + 1;
    emitNode(option, emit, instructions);
    const jump = { op: "jump" as const, to: 0 };
    emit(jump);
    ends.push(jump);
    split.second = instructions.length;
  }
  for (const jump of ends) jump.to = instructions.length;
}

function emitRepeat(node: RegexNode & { kind: "repeat" }, emit: Emit, instructions: readonly Instruction[]): void {
  for (let i = 0; i < node.min; i++) emitNode(node.body, emit, instructions);
  if (node.max === undefined) {
    const split = { op: "split" as const, first: 0, second: 0 };
    const start = emit(split);
    emitNode(node.body, emit, instructions);
    emit({ op: "jump", to: start });
    aim(split, start + 1, instructions.length, node.greedy);
    return;
  }
  const splits: { split: { first: number; second: number }; body: number }[] = [];
  for (let i = node.min; i < node.max; i++) {
    const split = { op: "split" as const, first: 0, second: 0 };
    splits.push({ split, body: emit(split) + 1 });
    emitNode(node.body, emit, instructions);
  }
  for (const { split, body } of splits) aim(split, body, instructions.length, node.greedy);
}

function aim(split: { first: number; second: number }, body: number, end: number, greedy: boolean): void {
  split.first = greedy ? body : end;
  split.second = greedy ? end : body;
}
