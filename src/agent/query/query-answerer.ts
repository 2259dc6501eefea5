// Answers the control plane's questions to this machine: Query resources in, Answer calls out.
import { fromBinary } from "@bufbuild/protobuf";
import { type Query, QuerySchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { utf8 } from "../../kernel/bytes.ts";
import type { Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Log } from "../../kernel/log.ts";
import { RecentMap } from "../../kernel/recent-map.ts";
import type { AdminAnswer, AdminClient } from "../envoy/admin-client.ts";
import { agentErrors } from "../errors.ts";
import type { CacheChange, ResourceCache } from "../xds-relay/resource-cache.ts";
import { checkAdminQuestion } from "./admin-question.ts";

/** lateen.agent.v1.AnswerRequest. */
export type Answer = { readonly queryId: string } & (AdminAnswer | { readonly status: number; readonly error: string });

export interface QueryAnswererOptions {
  admin: AdminClient;
  /** Answers about the agent itself, by topic; the value is printed as JSON. */
  topics: ReadonlyMap<string, () => Promise<unknown>>;
  /** Carries an answer to the control plane. */
  send: (answer: Answer) => Promise<void>;
  clock: Clock;
  log: Log;
}

/** Longest answer, bytes; a configuration dump of a large mesh has tens of megabytes. */
export const answerLimitBytes = 64 << 20;
/** Most questions at once. */
export const concurrencyLimit = 8;
/** Ids of answered questions that are remembered: a question is delivered again when the stream is. */
const rememberLimit = 1024;
/** Where a question names no time, and the longest it may name, milliseconds. */
const defaultTimeoutMs = 10_000;
const longestTimeoutMs = 60_000;

export class QueryAnswerer {
  private readonly options: QueryAnswererOptions;
  private readonly seen = new RecentMap<string, true>(rememberLimit);
  private running = 0;

  constructor(options: QueryAnswererOptions) {
    this.options = options;
  }

  /** Takes the questions of a response; hand it to `XdsRelay.follow`. */
  received(cache: ResourceCache, change: CacheChange): void {
    for (const name of change.sent) {
      const resource = cache.get(name);
      if (resource === undefined || this.seen.has(name)) continue;
      this.remember(name);
      void this.answer(decodeQuery(resource.body));
    }
  }

  private remember(id: string): void {
    this.seen.set(id, true);
  }

  private async answer(query: Query): Promise<void> {
    const { log, send } = this.options;
    const { id } = query;
    let answer: Answer;
    if (this.running >= concurrencyLimit) {
      answer = { queryId: id, status: 429, error: `the agent answers ${concurrencyLimit} questions at once` };
    } else {
      this.running += 1;
      try {
        answer = { queryId: id, ...(await this.ask(query)) };
      } catch (error) {
        answer = { queryId: id, status: 502, error: describeError(error) };
      } finally {
        this.running -= 1;
      }
    }
    try {
      await send(answer);
    } catch (error) {
      log.warn("an answer did not reach the control plane", { id, error: describeError(error) });
    }
  }

  private async ask(query: Query): Promise<AdminAnswer> {
    const { question } = query;
    if (question.case === "envoyAdmin") {
      const timeoutMs = Math.min(query.timeoutMs === 0 ? defaultTimeoutMs : query.timeoutMs, longestTimeoutMs);
      const { method, path } = checkAdminQuestion(question.value.method, question.value.path);
      return this.options.admin.ask({ method, path, limitBytes: answerLimitBytes, timeoutMs });
    }
    const topic = question.case === "agent" ? this.options.topics.get(question.value.topic) : undefined;
    if (topic === undefined) throw agentErrors.notPermitted("the agent does not know this question");
    return { status: 200, contentType: "application/json", body: utf8(JSON.stringify(await topic())) };
  }
}

function decodeQuery(body: Uint8Array): Query {
  try {
    return fromBinary(QuerySchema, body);
  } catch (cause) {
    throw agentErrors.badStreamMessage("a query of the control plane could not be decoded", { cause });
  }
}
