// Capture through iptables-restore, for hosts without nft. Each table of each address family is replaced in one step.
import { runCommand } from "../kernel/command.ts";
import type { CaptureBackend } from "./capture-backend.ts";
import { captureErrors } from "./errors.ts";
import { type AddressFamily, captureChains, renderIptables } from "./iptables.ts";
import { type IptablesListing, readIptablesListing } from "./iptables-listing.ts";
import { type RuleStep, runRuleStep } from "./rule-step.ts";

/** How long to wait for another program that holds the lock of iptables, seconds. */
const lockWaitSeconds = 5;

export interface IptablesPrograms {
  /** In front of every program, such as `nsenter --net=…`. */
  readonly prefix: readonly string[];
  /** `iptables-restore` and `iptables-save`. */
  readonly ipv4: { readonly restore: string; readonly save: string };
  /** Undefined where the host has no ip6tables. */
  readonly ipv6: { readonly restore: string; readonly save: string } | undefined;
}

export function iptablesBackend(programs: IptablesPrograms): CaptureBackend {
  const restore = (family: AddressFamily, input: string): RuleStep => ({
    command: [...programs.prefix, programs[family]?.restore ?? "", ...["--wait", String(lockWaitSeconds), "--noflush"]],
    input,
  });
  const list = async (family: AddressFamily): Promise<IptablesListing> => {
    const [program = "", ...args] = [...programs.prefix, programs[family]?.save ?? ""];
    const listings: string[] = [];
    for (const table of Object.keys(captureChains)) {
      listings.push((await runCommand(program, [...args, "-t", table])).stdout);
    }
    return readIptablesListing(listings.join("\n"), family);
  };
  // Kernels without IPv6 have an ip6tables that always fails; such a host is one without ip6tables.
  let ipv6: Promise<boolean> | undefined;
  const families = async (): Promise<AddressFamily[]> => {
    ipv6 ??=
      programs.ipv6 === undefined
        ? Promise.resolve(false)
        : list("ipv6").then(
            () => true,
            () => false,
          );
    return (await ipv6) ? ["ipv4", "ipv6"] : ["ipv4"];
  };
  return {
    name: "iptables",
    async replaceSteps(plan) {
      const usable = await families();
      if (plan.ipv6 && !usable.includes("ipv6")) {
        throw captureErrors.notApplied("ip6tables is missing or does not work, and the plan captures IPv6", {
          remedy: "Install ip6tables or nftables: without it policies would not hold for calls over IPv6.",
        });
      }
      const steps: RuleStep[] = [];
      for (const family of usable) {
        const listing = await list(family);
        const needed = family === "ipv4" || plan.ipv6 || listing.present.length > 0;
        if (needed) steps.push(restore(family, renderIptables(plan, family, unhooked(listing))));
      }
      return steps;
    },
    // Emptied chains capture nothing; taking their hooks away needs a look at what is there, so `remove` does that.
    async revertSteps(plan) {
      return (await families()).map((family) => restore(family, renderIptables(plan, family)));
    },
    async remove() {
      for (const family of await families()) {
        const listing = await list(family);
        if (listing.present.length > 0) await runRuleStep(restore(family, renderRemoval(listing)));
      }
    },
    async read() {
      const listings: IptablesListing[] = [];
      for (const family of await families()) listings.push(await list(family));
      return listings.filter((listing) => listing.present.length > 0);
    },
  };
}

function unhooked(listing: IptablesListing): string[] {
  return hooks().flatMap(({ builtin, chain }) => (listing.hooks.includes(`${builtin} ${chain}`) ? [] : [chain]));
}

function hooks(): { table: string; builtin: string; chain: string }[] {
  return Object.entries(captureChains).flatMap(([table, chains]) =>
    Object.entries(chains).flatMap(([chain, builtin]) => (builtin === undefined ? [] : [{ table, builtin, chain }])),
  );
}

/** Hooks first, so that traffic is free before the chains go; built-in chains that became empty stay, as they were. */
function renderRemoval(listing: IptablesListing): string {
  return Object.entries(captureChains)
    .map(([table, chains]) => {
      const own = Object.keys(chains).filter((chain) => listing.present.includes(chain));
      const jumps = listing.hooks.filter((hook) => own.includes(hook.split(" ")[1] ?? ""));
      return [
        `*${table}`,
        ...jumps.map((hook) => `-D ${hook.replace(" ", " -j ")}`),
        ...own.map((chain) => `-F ${chain}`),
        ...own.map((chain) => `-X ${chain}`),
        "COMMIT",
        "",
      ].join("\n");
    })
    .join("");
}
