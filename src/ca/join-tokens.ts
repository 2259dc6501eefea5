// Join tokens: made for an operator, good for one WorkloadGroup, a short time and a few joins.
//
// A token is used in two steps. `verify` says whether it is good and changes nothing, so that a request that fails for
// another reason does not cost the token. `consume` takes one use by a conditional transaction: of any number of callers,
// on any number of control planes, exactly as many succeed as the token has uses.
import { timingSafeEqual } from "node:crypto";
import { createJoinToken, formatJoinToken, joinTokenRandomBytes, parseJoinToken } from "../identity/join-token.ts";
import type { Cancel, Clock } from "../kernel/clock.ts";
import { describeError, LateenError } from "../kernel/error.ts";
import { sha256Hex } from "../kernel/hash.ts";
import type { Stoppable } from "../kernel/lifecycle.ts";
import type { Log } from "../kernel/log.ts";
import { quoted } from "../kernel/quote.ts";
import type { Random } from "../kernel/random.ts";
import { Secret } from "../kernel/secret.ts";
import type { Store, StoredEntry } from "../store/store.ts";
import { caErrors } from "./errors.ts";
import { FailureLimiter } from "./failure-limiter.ts";
import {
  decodeJoinTokenRecord,
  encodeJoinTokenRecord,
  type JoinTokenRecord,
  joinTokenKey,
  joinTokenPrefix,
} from "./join-token-record.ts";

export interface JoinTokensOptions {
  store: Pick<Store, "get" | "list" | "txn">;
  /** Of the root, as `Authority.pin` gives it. */
  pin: string;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface JoinTokenOrder {
  /** `namespace/name` of the WorkloadGroup. */
  group: string;
  /** Milliseconds; default 1 hour, at most 7 days. */
  ttlMs?: number;
  /** Default 1, at most 10,000. */
  uses?: number;
}

export interface CreatedJoinToken {
  readonly record: JoinTokenRecord;
  /** The token itself; it cannot be had again. */
  readonly token: Secret<string>;
}

/** Proof that a good token was shown; worth nothing until it is consumed. */
export interface JoinTokenClaim {
  readonly id: string;
  readonly namespace: string;
  readonly group: string;
}

const hourMs = 3_600_000;
const defaultTtlMs = hourMs;
const longestTtlMs = 7 * 24 * hourMs;
const shortestTtlMs = 1000;
const usesLimit = 10_000;
/** Tokens that may exist at one time, used ones among them. */
const tokenLimit = 10_000;
/** Expired and used tokens stay this long after their end, so that clocks set back do not revive them. */
const keptAfterEndMs = 24 * hourMs;
const sweepIntervalMs = hourMs;
/** Attempts against other control planes that take uses of the same token at the same moment. */
const attemptLimit = 100;
const groupPattern =
  /^([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\/([a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*)$/;

export class JoinTokens implements Stoppable {
  private readonly options: JoinTokensOptions;
  private readonly limiter: FailureLimiter;
  private readonly startMs: number;
  private readonly startMonotonicMs: number;
  /** Ends of the queues, by token: uses of one token are taken one after the other. */
  private readonly queues = new Map<string, Promise<unknown>>();
  private readonly cancelSweep: Cancel;
  private sweeping: Promise<void>;

  /** Sweeps at once and every hour. */
  constructor(options: JoinTokensOptions) {
    const { clock } = options;
    this.options = options;
    this.limiter = new FailureLimiter(clock);
    this.startMs = clock.now();
    this.startMonotonicMs = clock.monotonic();
    this.sweeping = this.sweep();
    this.cancelSweep = clock.every(sweepIntervalMs, () => {
      this.sweeping = this.sweep();
    });
  }

  /**
   * Makes a token. Whether the group exists is the caller's to check; it is looked up again at the join.
   *
   * @throws LateenError LAT3109
   */
  async create(order: JoinTokenOrder): Promise<CreatedJoinToken> {
    const { ttlMs = defaultTtlMs, uses = 1 } = order;
    const [, namespace = "", group = ""] = groupPattern.exec(order.group.slice(0, 400)) ?? [];
    if (group === "" || group.length > 253) {
      throw caErrors.tokenNotMade(`${quoted(order.group)} is not NAMESPACE/NAME of a WorkloadGroup`);
    }
    if (!(ttlMs >= shortestTtlMs && ttlMs <= longestTtlMs)) {
      throw caErrors.tokenNotMade(`a lifetime of ${ttlMs} ms is not between 1 second and 7 days`);
    }
    if (!Number.isInteger(uses) || uses < 1 || uses > usesLimit) {
      throw caErrors.tokenNotMade(`${uses} uses are not between 1 and ${usesLimit}`);
    }
    if ((await this.entries()).length >= tokenLimit) throw caErrors.tokenNotMade(`there are ${tokenLimit} tokens`);
    const token = createJoinToken(this.options.random.bytes(joinTokenRandomBytes), this.options.pin);
    const record: JoinTokenRecord = {
      id: token.id,
      secretHash: sha256Hex(token.secret.reveal()),
      namespace,
      group,
      createdAtMs: this.now(),
      expiresAtMs: this.now() + Math.floor(ttlMs),
      uses,
      usesLeft: uses,
    };
    const key = joinTokenKey(token.id);
    const written = await this.options.store.txn({
      conditions: [{ key, revision: 0 }],
      puts: [{ key, value: encodeJoinTokenRecord(record) }],
    });
    if (!written.ok) throw caErrors.tokenNotMade(`a token ${token.id} exists`);
    this.options.log.info("made a join token", { token: token.id, group: order.group, uses });
    return { record, token: new Secret(formatJoinToken(token)) };
  }

  /** Tokens that can still be used, the one that expires first in front. */
  async list(): Promise<JoinTokenRecord[]> {
    const records = (await this.entries()).flatMap((entry) => decodeJoinTokenRecord(entry.value) ?? []);
    return records
      .filter((record) => record.usesLeft > 0 && record.expiresAtMs > this.now())
      .sort((a, b) => a.expiresAtMs - b.expiresAtMs || (a.id < b.id ? -1 : 1));
  }

  /** Takes a token back. Returns false where there is none of this id. */
  async revoke(id: string): Promise<boolean> {
    if (!/^[a-z2-7]{10}$/.test(id)) return false;
    const key = joinTokenKey(id);
    if ((await this.options.store.get(key)) === undefined) return false;
    await this.options.store.txn({ deletes: [key] });
    this.options.log.info("took a join token back", { token: id });
    return true;
  }

  /**
   * Says whether a token is good, and changes nothing.
   *
   * @param text what the caller showed
   * @param address IP address of the caller, which pays for wrong tokens with waiting
   * @throws LateenError LAT3107, or LAT3108 where the address showed too many wrong ones
   */
  async verify(text: string, address: string): Promise<JoinTokenClaim> {
    if (!(await this.limiter.begin(address))) {
      throw caErrors.tokenAttemptsLimited("too many join tokens from this address were refused");
    }
    let outcome: "passed" | "failed" = "passed";
    let record: JoinTokenRecord;
    try {
      record = await this.recognise(text);
    } catch (error) {
      // Only what is not known is a guess: whoever holds a token that ended may come again as often as others.
      if (isRefusal(error)) {
        outcome = "failed";
        this.options.log.warn("refused a join token", { address, reason: describeError(error) });
      }
      throw error;
    } finally {
      this.limiter.end(address, outcome);
    }
    this.checkUsable(record);
    return { id: record.id, namespace: record.namespace, group: record.group };
  }

  /**
   * Takes one use of the token.
   *
   * @throws LateenError LAT3107 where others took the last one, or it was taken back or ended meanwhile
   */
  consume(claim: JoinTokenClaim): Promise<void> {
    const before = this.queues.get(claim.id) ?? Promise.resolve();
    const turn = before.then(() => this.takeUse(claim.id));
    const end = turn
      .catch(() => {})
      .then(() => {
        if (this.queues.get(claim.id) === end) this.queues.delete(claim.id);
      });
    this.queues.set(claim.id, end);
    return turn;
  }

  async stop(): Promise<void> {
    this.cancelSweep();
    await this.sweeping;
  }

  /** @throws LateenError LAT3107 where it is not known */
  private async recognise(text: string): Promise<JoinTokenRecord> {
    const { id, secret } = readToken(text);
    const entry = await this.options.store.get(joinTokenKey(id));
    const record = entry === undefined ? undefined : decodeJoinTokenRecord(entry.value);
    // Compared in any case, so that the time taken does not tell whether the id exists.
    const matches = sameHash(record?.secretHash ?? sha256Hex(""), sha256Hex(secret.reveal()));
    if (record === undefined || !matches) throw caErrors.tokenRefused("the join token is not known here");
    return record;
  }

  private checkUsable(record: JoinTokenRecord): void {
    const remedy = `Make another with lateen token create --group ${record.namespace}/${record.group}.`;
    if (record.expiresAtMs <= this.now()) {
      const when = new Date(record.expiresAtMs).toISOString();
      throw caErrors.tokenRefused(`the join token ${record.id} expired at ${when}`, { remedy });
    }
    if (record.usesLeft <= 0) throw caErrors.tokenRefused(`the join token ${record.id} was used before`, { remedy });
  }

  private async takeUse(id: string): Promise<void> {
    const { store } = this.options;
    const key = joinTokenKey(id);
    for (let attempt = 0; attempt < attemptLimit; attempt++) {
      const entry = await store.get(key);
      const record = entry === undefined ? undefined : decodeJoinTokenRecord(entry.value);
      if (entry === undefined || record === undefined) {
        throw caErrors.tokenRefused(`the join token ${id} was taken back`);
      }
      this.checkUsable(record);
      const value = encodeJoinTokenRecord({ ...record, usesLeft: record.usesLeft - 1 });
      const taken = await store.txn({ conditions: [{ key, revision: entry.revision }], puts: [{ key, value }] });
      if (taken.ok) return;
    }
    throw caErrors.tokenRefused(`the join token ${id} is used by too many at once`, { remedy: "Try again." });
  }

  /** Removes what ended long ago. */
  private async sweep(): Promise<void> {
    const { store, log } = this.options;
    try {
      for (const entry of await this.entries()) {
        const record = decodeJoinTokenRecord(entry.value);
        // One of a later version's layout is not ours to judge.
        if (record === undefined || record.expiresAtMs + keptAfterEndMs > this.now()) continue;
        const { key, revision } = entry;
        await store.txn({ conditions: [{ key, revision }], deletes: [key] });
      }
    } catch (error) {
      log.warn("old join tokens could not be removed", { error: describeError(error) });
    }
  }

  private async entries(): Promise<StoredEntry[]> {
    const entries: StoredEntry[] = [];
    let from: string | undefined;
    do {
      const page = await this.options.store.list(joinTokenPrefix, from === undefined ? {} : { from });
      entries.push(...page.entries);
      from = page.next;
    } while (from !== undefined && entries.length < 2 * tokenLimit);
    return entries;
  }

  /** The later of the wall clock and what has passed since the start: a clock set back revives no token. */
  private now(): number {
    const { clock } = this.options;
    return Math.max(clock.now(), Math.floor(this.startMs + clock.monotonic() - this.startMonotonicMs));
  }
}

function readToken(text: string): ReturnType<typeof parseJoinToken> {
  try {
    return parseJoinToken(text);
  } catch (cause) {
    throw caErrors.tokenRefused("what was shown is not a join token", { cause });
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof LateenError && error.code === "LAT3107";
}

function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, "hex"), Buffer.from(b, "hex"));
}
