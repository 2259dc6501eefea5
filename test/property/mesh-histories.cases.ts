// Histories that failed once, shrunken: they are tried before new ones.
import type { MeshHistory } from "./mesh-history.ts";

export const meshHistoryCases: readonly MeshHistory[] = [];
