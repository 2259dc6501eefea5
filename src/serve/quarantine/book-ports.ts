// What the book is told, and what it asks for and brings about.
import type { ResourceSet } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";
import type { Substitution } from "../../xds/substitution.ts";
import type { Speaker } from "./party.ts";
import type { RefusedCase, Refuser } from "./refused-case.ts";

/** Bounds of what is remembered. Over them, a rejection stays the affair of the stream that made it. */
export interface BookLimits {
  /** Rejected contents, set aside or not; also those that may come back. */
  readonly cases: number;
  /** Streams remembered of one. */
  readonly refusersPerCase: number;
  /** Of them, those that one party alone rejects. */
  readonly perParty: number;
  /** Searches for a bad part at one time, one for a scope, and parts of one search. */
  readonly hunts: number;
  readonly suspects: number;
}

export const bookLimits: BookLimits = {
  cases: 512,
  refusersPerCase: 32,
  perParty: 64,
  hunts: 64,
  suspects: 4_096,
};

/** A stream and what it gets under a name now. */
export interface Recipient extends Speaker {
  readonly connectionId: string;
  readonly envoyVersion: string;
  /** When the stream asked for its last type, monotonic milliseconds. */
  readonly sinceMs: number;
  /** Undefined where it has not asked for anything of the type yet, and may. */
  readonly resource: Resource | undefined;
}

export interface Rejection {
  readonly connectionId: string;
  readonly refuser: Refuser;
  readonly envoyVersion: string;
  readonly typeUrl: string;
  readonly resources: readonly Resource[];
}

/** A stream that asks for a type for the first time. */
export interface Opening extends Speaker {
  readonly connectionId: string;
  readonly envoyVersion: string;
  readonly typeUrl: string;
  readonly resources: ResourceSet;
  /** Versions that it has from an earlier stream, by name: it has accepted them. */
  readonly held: ReadonlyMap<string, string>;
}

export interface BookPorts {
  /** Streams that get something under the name, or may ask for it. */
  recipients(typeUrl: string, name: string): Iterable<Recipient>;
  /** Something is served instead from now on; undefined where the content itself is again. */
  substitute(key: string, substitution: Substitution | undefined): void;
  /** A case is new, is another one, or is over. */
  changed(refused: RefusedCase): void;
  /** A bound was reached. */
  full(limit: "cases" | "hunts" | "suspects"): void;
  /** Wall clock, milliseconds. */
  now(): number;
}
