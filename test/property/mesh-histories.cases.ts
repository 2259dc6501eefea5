// Histories that failed once, shrunken: they are tried before new ones.
import type { MeshHistory } from "./mesh-history.ts";
import type { IsolationHistory } from "./namespace-isolation.ts";
import type { ServedHistory } from "./served-history.ts";

export const meshHistoryCases: readonly MeshHistory[] = [];

export const servedHistoryCases: readonly ServedHistory[] = [];

export const isolationCases: readonly IsolationHistory[] = [];
