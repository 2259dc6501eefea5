// Writes docs/errors.md from the kinds that every errors.ts declares.
//
//   node scripts/errors-doc.ts            writes the page
//   node scripts/errors-doc.ts --check    fails where the page differs
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { definedErrors, type ErrorKind } from "../src/kernel/error.ts";

const root = join(import.meta.dirname, "..");
const page = join(root, "docs/errors.md");

interface Range {
  /** `LAT1`: the code's letters and first digit. */
  readonly prefix: string;
  readonly title: string;
}

export const ranges: readonly Range[] = [
  { prefix: "LAT1", title: "LAT1xxx: configuration" },
  { prefix: "LAT2", title: "LAT2xxx: xDS and streams" },
  { prefix: "LAT3", title: "LAT3xxx: identity, certificates and joining" },
  { prefix: "LAT4", title: "LAT4xxx: machine, agent and capture" },
  { prefix: "LAT5", title: "LAT5xxx: store and API" },
  { prefix: "LAT9", title: "LAT9xxx: command line" },
];

/** Istio's analysis codes that Lateen emits, where its finding means the same. */
export const istioCodes: readonly ErrorKind[] = [
  {
    code: "IST0101",
    meaning: "An object refers to another that is not there: a host, subset, port, gateway, delegate or mirror.",
    remedy: "Correct the name, or create what it names; where it exists, export it to this namespace.",
  },
  {
    code: "IST0109",
    meaning: "Two VirtualServices for sidecars claim the same host, so that one of them has no effect.",
    remedy: "Merge them, or narrow their hosts or exportTo.",
  },
  {
    code: "IST0112",
    meaning: "A destination names no port although its service has several.",
    remedy: "Set destination.port.number.",
  },
  {
    code: "IST0118",
    meaning: "A port states no protocol, neither by its name's prefix nor by a field, so that its bytes pass as TCP.",
    remedy: "Set the port's protocol, or begin its name with one, as in http-web.",
  },
  {
    code: "IST0127",
    meaning: "A selector chooses no workload, so that its object has no effect.",
    remedy: "Compare the selector with the labels of WorkloadEntries and WorkloadGroups in its namespace.",
  },
  {
    code: "IST0130",
    meaning: "A rule is never used: one before it takes every request, or has all of its matches.",
    remedy: "Put the narrower rule first, or remove one.",
  },
  {
    code: "IST0131",
    meaning: "A match repeats an earlier one, so that it has no effect.",
    remedy: "Remove one of them.",
  },
  {
    code: "IST0173",
    meaning: "A subset's labels are those of no endpoint of its host, so that requests to it fail.",
    remedy: "Compare the subset's labels with those of the host's endpoints.",
  },
  {
    code: "IST0174",
    meaning: "A DestinationRule is for a host that no service has.",
    remedy: "Correct the host, or create its ServiceEntry.",
  },
  {
    code: "IST0177",
    meaning: "Two ServiceEntries give one host and port different protocols.",
    remedy: "Make the protocols equal, or use different ports.",
  },
];

/** Every errors.ts, relative to the repository. */
export function errorFiles(): string[] {
  return globSync("src/**/errors.ts", { cwd: root }).sort();
}

/** Loads every errors.ts, which registers its kinds. */
export async function loadErrorKinds(): Promise<ErrorKind[]> {
  for (const file of errorFiles()) await import(pathToFileURL(join(root, file)).href);
  return definedErrors();
}

/** The page, for these kinds. */
export function renderErrors(kinds: readonly ErrorKind[]): string {
  const tables = ranges.map(({ prefix, title }) =>
    table(
      title,
      kinds.filter(({ code }) => code.startsWith(prefix)),
    ),
  );
  return [
    "# Errors",
    "",
    "Made by `node_modules/.bin/node scripts/errors-doc.ts` from the code; do not edit.",
    "",
    "A code never changes its meaning, so scripts and searches may rely on it. A message is one sentence that names what",
    "was wrong; the remedy shown with it may be more exact than the one listed here.",
    "",
    ...tables.flat(),
    ...table("IST0xxx: findings that mean what Istio's do", istioCodes),
  ].join("\n");
}

function table(title: string, kinds: readonly ErrorKind[]): string[] {
  const rows = kinds.map(({ code, meaning, remedy }) => `| ${code} | ${cell(meaning)} | ${cell(remedy)} |`);
  return [`## ${title}`, "", "| code | meaning | what to do |", "|---|---|---|", ...rows, ""];
}

/** A cell is one line, its bars are escaped, and what looks like a tag is text. */
function cell(text: string): string {
  return text.replace(/\s+/g, " ").replace(/\|/g, "\\|").replace(/</g, "&lt;");
}

if (import.meta.main) {
  const wanted = renderErrors(await loadErrorKinds());
  if (!process.argv.includes("--check")) {
    writeFileSync(page, wanted);
  } else if (!existsSync(page) || readFileSync(page, "utf8") !== wanted) {
    console.error("docs/errors.md differs from the errors in the code; run node scripts/errors-doc.ts");
    process.exitCode = 1;
  }
}
