// What an object's author is told of proxies that reject what it makes: in the shape of Istio's conditions and analysis.
import { quoted } from "../../kernel/quote.ts";
import { typeName } from "../ads/type-name.ts";
import type { Blame } from "./blame.ts";
import { envoyWords } from "./envoy-words.ts";
import type { RefusedCase } from "./refused-case.ts";

/** Istio's IstioCondition. */
export interface Condition {
  readonly type: string;
  readonly status: "False";
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}

/** Istio's AnalysisMessageBase, with the sentence. */
export interface ValidationMessage {
  readonly type: { readonly code: string };
  readonly level: "ERROR" | "WARNING";
  readonly message: string;
}

/** As Istio's IstioStatus has it. */
export interface RefusalStatus {
  readonly conditions: readonly Condition[];
  readonly validationMessages: readonly ValidationMessage[];
}

/** The condition of an object that proxies do not take. */
export const acceptedCondition = "ProxiesAccepted";
/** See serveErrors.rejected. */
export const rejectedCode = "LAT2117";

/** Proxies that a message names, and characters it has of Envoy's words. */
const namedProxies = 3;
const wordsLength = 600;
/** Rejected contents that the status of one object tells of. */
const toldCases = 8;

const nouns: Readonly<Record<string, string>> = {
  cds: "cluster",
  eds: "endpoints",
  lds: "listener",
  rds: "route configuration",
  nds: "name table",
};

/** @param proxies that get the content now, those that rejected it included */
export function refusalMessage(refused: RefusedCase, proxies: number): string {
  const { subject, message, verdict, refusers, uncounted, hasAccepted } = refused;
  const count = refusers.size + uncounted;
  const names = [...new Set([...refusers.values()].map(({ proxy }) => proxy))].sort();
  const shown = names.slice(0, namedProxies).join(", ");
  const who = `${shown}${count > namedProxies ? ` and ${count - namedProxies} more` : ""}`;
  const envoy = subject.envoyVersion === "" ? "a proxy of unknown version" : `Envoy ${subject.envoyVersion}`;
  const of = verdict === "aside" ? "" : ` of ${Math.max(count, proxies)} that have it`;
  return `${envoy} rejects ${nameOf(refused)}: ${wordsOf(message)} (refused by ${count}${of}: ${who}); ${consequence(verdict, hasAccepted)}`;
}

function nameOf({ subject: { typeUrl, name, fragment } }: RefusedCase): string {
  const noun = nouns[typeName(typeUrl)] ?? "resource";
  return fragment === undefined ? `${noun} ${name}` : `virtual host ${fragment} of ${noun} ${name}`;
}

function wordsOf(message: string): string {
  const line = envoyWords(message);
  return line === "" ? quoted(line) : line.length > wordsLength ? `${line.slice(0, wordsLength)}…` : line;
}

function consequence(verdict: RefusedCase["verdict"], hasAccepted: boolean): string {
  switch (verdict) {
    case "aside":
      return hasAccepted
        ? "the last accepted version stays in force"
        : "it is not served, as no accepted version is known";
    case "own-affair":
      return "these proxies go on with what they accepted before; others get it, as the reason is with the machine";
    case "accepted":
      return "these proxies go on with what they accepted before; others have accepted it";
    default:
      return "these proxies go on with what they accepted before; others get it until a second one rejects it";
  }
}

/** What one object is told of all its rejected contents; the gravest first. */
export function refusalStatus(
  told: readonly { readonly refused: RefusedCase; readonly blame: Blame; readonly message: string }[],
): RefusalStatus {
  const grave = ({ refused }: (typeof told)[number]): number => (refused.verdict === "aside" ? 0 : 1);
  const sorted = told.toSorted((a, b) => grave(a) - grave(b) || a.refused.sinceMs - b.refused.sinceMs);
  const [first] = sorted;
  if (first === undefined) return { conditions: [], validationMessages: [] };
  const more = sorted.length > 1 ? `; and ${sorted.length - 1} more of its resources` : "";
  return {
    conditions: [
      {
        type: acceptedCondition,
        status: "False",
        reason: first.refused.verdict === "aside" ? "Rejected" : "RejectedBySome",
        message: `${first.message}${more}`,
        lastTransitionTime: new Date(Math.min(...sorted.map(({ refused }) => refused.sinceMs))).toISOString(),
      },
    ],
    validationMessages: sorted.slice(0, toldCases).map(({ refused, blame, message }) => ({
      type: { code: rejectedCode },
      level: refused.verdict === "aside" ? "ERROR" : "WARNING",
      message: `${blame.path === undefined ? "" : `${blame.path}: `}${message}`,
    })),
  };
}
