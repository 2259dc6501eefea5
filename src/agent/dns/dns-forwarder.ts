// Passes questions on to the machine's resolvers: in their order, the next one when the first is slow, the first good
// answer wins.

import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import { Tally } from "../../kernel/tally.ts";
import type { DnsTransport } from "./dns-answer.ts";
import { dnsFlag, plainUdpLimit, rcode, udpLimit } from "./dns-constant.ts";
import type { DnsMetrics } from "./dns-metrics.ts";
import type { DnsQuery } from "./dns-query.ts";
import { passOn, type ReadReply, readReply } from "./dns-reply.ts";
import { exchangeOverTcp } from "./tcp-exchange.ts";
import { type ExchangeResult, exchangeOverUdp } from "./udp-exchange.ts";
import { formatUpstream, type Upstream } from "./upstream.ts";

/** The answer for the client, or the rcode to give it. */
export type ForwardResult =
  | { readonly kind: "answer"; readonly rcode: number; readonly bytes: Uint8Array }
  | { readonly kind: "failed"; readonly rcode: number };

export interface ForwarderOptions {
  /** In order of preference; read for every question, so it may change. */
  upstreams: () => readonly Upstream[];
  /** True for the server's own addresses: asking them would ask ourselves. */
  isOwnAddress: (upstream: Upstream) => boolean;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: DnsMetrics;
}

/** Questions being asked at the same time; each holds one socket per resolver tried. */
export const inFlightLimit = 1_000;
/** Equal questions at the same time; more of them are a loop through another resolver of this machine. */
const sameQuestionLimit = 64;
/** Resolvers that are tried for one question. */
const upstreamLimit = 8;
/** After this long without an answer the next resolver is asked as well. */
const hedgeMs = 300;
/** After all were asked, the first is asked again after this long: a packet may have been lost. */
const retryMs = 1_000;
/** Istio's upstream timeout. */
const deadlineMs = 5_000;
/** A resolver that answered where an earlier one did not goes first for this long. */
const preferenceMs = 30_000;
/** Between two log lines about loops. */
const loopLogMs = 60_000;

export class DnsForwarder {
  private readonly options: ForwarderOptions;
  /** One for every question in flight. */
  private readonly races = new Set<AbortController>();
  private stopped = false;
  /** By question; the sum is the number in flight. */
  private readonly sameQuestions = new Tally<string>();
  private inFlight = 0;
  /** Questions as we sent them, by id and question; they come back if something redirects our own packets to us. */
  private readonly sent = new Tally<string>();
  private preferred: { upstream: string; until: number } | undefined;
  private loopLoggedAt: number | undefined;

  constructor(options: ForwarderOptions) {
    this.options = options;
  }

  /** True where the query is one of our own, sent back to us. */
  isLoop(query: DnsQuery): boolean {
    if (this.sent.get(sentKey(query.id, query)) === 0) return false;
    this.reportLoop("the agent's own DNS queries come back to it; is it running as the proxy's user?", query);
    return true;
  }

  /** Never rejects; always done within 5 s. */
  async forward(query: DnsQuery, transport: DnsTransport): Promise<ForwardResult> {
    const { metrics, upstreams, isOwnAddress } = this.options;
    const key = `${query.type} ${query.name}`;
    const same = this.sameQuestions.get(key);
    if (this.inFlight >= inFlightLimit || same >= sameQuestionLimit) {
      metrics.refusals.inc({ reason: same >= sameQuestionLimit ? "loop" : "in_flight_limit" });
      if (same >= sameQuestionLimit) this.reportLoop("a DNS query goes round between this machine's resolvers", query);
      return { kind: "failed", rcode: rcode.servFail };
    }
    const order = this.order(upstreams().filter((upstream) => !isOwnAddress(upstream)));
    if (order.length === 0 || this.stopped) return { kind: "failed", rcode: rcode.servFail };
    this.inFlight += 1;
    this.sameQuestions.add(key);
    try {
      return await this.race(query, transport, order);
    } finally {
      this.inFlight -= 1;
      this.sameQuestions.remove(key);
    }
  }

  /** Gives up every question in flight. */
  stop(): void {
    this.stopped = true;
    for (const race of this.races) race.abort();
  }

  private order(upstreams: readonly Upstream[]): Upstream[] {
    const order = upstreams.slice(0, upstreamLimit);
    if (this.preferred === undefined) return order;
    if (this.options.clock.monotonic() > this.preferred.until) {
      this.preferred = undefined;
      return order;
    }
    const at = order.findIndex((upstream) => formatUpstream(upstream) === this.preferred?.upstream);
    return at <= 0 ? order : [...order.splice(at, 1), ...order];
  }

  private race(query: DnsQuery, transport: DnsTransport, order: readonly Upstream[]): Promise<ForwardResult> {
    const { clock } = this.options;
    const abort = new AbortController();
    const { signal } = abort;
    this.races.add(abort);
    return new Promise((resolve) => {
      let started = 0;
      let running = 0;
      let cancelNext = (): void => {};
      const finish = (result: ForwardResult): void => {
        cancelNext();
        cancelDeadline();
        this.races.delete(abort);
        abort.abort();
        resolve(result);
      };
      const startNext = (): void => {
        cancelNext();
        const upstream = order[started % order.length];
        if (signal.aborted || upstream === undefined || started >= 2 * order.length) return;
        started += 1;
        running += 1;
        cancelNext = clock.after(started < order.length ? hedgeMs : retryMs, startNext);
        void this.attempt(query, transport, upstream, signal).then((result) => {
          running -= 1;
          if (signal.aborted && result.kind !== "answer") finish({ kind: "failed", rcode: rcode.servFail });
          else if (result.kind === "answer") {
            this.remember(upstream, order);
            finish({ kind: "answer", rcode: result.rcode, bytes: passOn(result, query) });
          } else if (started < order.length) startNext();
          else if (running === 0) finish({ kind: "failed", rcode: rcode.servFail });
        });
      };
      const cancelDeadline = clock.after(deadlineMs, () => finish({ kind: "failed", rcode: rcode.servFail }));
      startNext();
    });
  }

  private remember(upstream: Upstream, order: readonly Upstream[]): void {
    if (upstream === order[0]) return;
    this.preferred = { upstream: formatUpstream(upstream), until: this.options.clock.monotonic() + preferenceMs };
  }

  /** One resolver: over UDP, then over TCP where the answer is cut off or somebody guesses; once without EDNS if it refuses that. */
  private async attempt(
    query: DnsQuery,
    transport: DnsTransport,
    upstream: Upstream,
    signal: AbortSignal,
  ): Promise<ExchangeResult> {
    const { clock, log, metrics } = this.options;
    const start = clock.monotonic();
    metrics.upstreamRequests.inc();
    let result = await this.ask(query, transport, upstream, signal, true);
    const refused = result.kind === "unusable" && (result.rcode === rcode.formErr || result.rcode === rcode.notImp);
    if (refused && query.edns !== undefined) result = await this.ask(query, transport, upstream, signal, false);
    if (result.kind === "answer") metrics.upstreamSeconds.observe((clock.monotonic() - start) / 1000);
    else if (!signal.aborted) {
      metrics.upstreamFailures.inc();
      const reason = result.kind === "unreachable" ? result.reason : result.kind;
      log.debug("a resolver did not answer", { upstream: formatUpstream(upstream), name: query.name, reason });
    }
    return result;
  }

  private async ask(
    query: DnsQuery,
    transport: DnsTransport,
    upstream: Upstream,
    signal: AbortSignal,
    withEdns: boolean,
  ): Promise<ExchangeResult> {
    const [high = 0, low = 0] = this.options.random.bytes(2);
    const id = (high << 8) | low;
    const message = upstreamMessage(query, id, withEdns);
    const read = (bytes: Uint8Array): ReadReply => readReply(bytes, { id, name: query.name, type: query.type });
    const key = sentKey(id, query);
    this.sent.add(key);
    try {
      if (transport === "udp") {
        const result = await exchangeOverUdp(upstream, message, read, signal);
        if (result.kind !== "truncated" && result.kind !== "suspicious") return result;
      }
      return await exchangeOverTcp(upstream, message, read, signal);
    } finally {
      this.sent.remove(key);
    }
  }

  private reportLoop(message: string, query: DnsQuery): void {
    const now = this.options.clock.monotonic();
    if (this.loopLoggedAt !== undefined && now - this.loopLoggedAt < loopLogMs) return;
    this.loopLoggedAt = now;
    this.options.log.error(message, { name: query.name, type: query.type });
  }
}

function sentKey(id: number, query: { name: string; type: number }): string {
  return `${id} ${query.type} ${query.name}`;
}

/** The client's message under another id; EDNS asks for no more than passes every network whole. */
function upstreamMessage(query: DnsQuery, id: number, withEdns: boolean): Uint8Array {
  const { edns } = query;
  const end = edns !== undefined && !withEdns ? edns.record.start : query.message.length;
  const bytes = new Uint8Array(query.message.subarray(0, end));
  const view = new DataView(bytes.buffer);
  const kept = dnsFlag.recursionDesired | dnsFlag.authenticData | dnsFlag.checkingDisabled;
  view.setUint16(0, id);
  view.setUint16(2, query.flags & kept);
  view.setUint16(10, edns !== undefined && withEdns ? 1 : 0);
  if (edns !== undefined && withEdns) {
    // The size stands after the root name and the type.
    view.setUint16(edns.record.start + 3, Math.min(udpLimit, Math.max(plainUdpLimit, edns.udpSize)));
  }
  return bytes;
}
