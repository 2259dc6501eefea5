// Capture through nft: one table, one transaction.
import { runCommand } from "../kernel/command.ts";
import type { CaptureBackend } from "./capture-backend.ts";
import { readNftListing } from "./nft-listing.ts";
import { captureTable, renderNftables, renderNftablesRemoval } from "./nftables.ts";
import { type RuleStep, runRuleStep } from "./rule-step.ts";

/**
 * @param nft program with leading arguments; a prefix such as `nsenter --net=…` works in another network namespace
 */
export function nftBackend(nft: readonly string[] = ["nft"]): CaptureBackend {
  const [program = "nft", ...args] = nft;
  const list = async (...words: string[]): Promise<string> =>
    (await runCommand(program, [...args, "-j", "list", ...words])).stdout;
  const step = (input: string): RuleStep => ({ command: [...nft, "-f", "-"], input });
  return {
    name: "nftables",
    replaceSteps: async (plan) => [step(renderNftables(plan))],
    revertSteps: async (plan) => [step(plan === undefined ? renderNftablesRemoval() : renderNftables(plan))],
    remove: () => runRuleStep(step(renderNftablesRemoval())),
    read: async () => {
      if (readNftListing(await list("tables")) === undefined) return [];
      const table = itemsOf(await list("table", captureTable.family, captureTable.name));
      const rules = readNftListing(JSON.stringify({ nftables: [...table, ...foreignChains(await list("chains"))] }));
      return rules === undefined ? [] : [rules];
    },
  };
}

type Item = Record<string, unknown>;

function itemsOf(json: string): Item[] {
  return (JSON.parse(json) as { nftables: Item[] }).nftables;
}

/** Chains of others; none where the host has so many that the listing was cut. */
function foreignChains(json: string): Item[] {
  try {
    return itemsOf(json).filter((item) => {
      const chain = item["chain"] as { family: string; table: string } | undefined;
      return chain !== undefined && !(chain.family === captureTable.family && chain.table === captureTable.name);
    });
  } catch {
    return [];
  }
}
