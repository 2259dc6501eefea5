// Puts questions to machines over their own streams and brings back the answers, so that nobody needs SSH.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type AnswerRequest,
  QuerySchema,
  type QuerySchema as QuerySchemaType,
} from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { base64url } from "../../kernel/bytes.ts";
import type { Clock } from "../../kernel/clock.ts";
import { contentHash } from "../../kernel/hash.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Random } from "../../kernel/random.ts";
import type { ClientView, Generator, XdsClient } from "../../xds/generator.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { QueueInspection } from "../debug/engine-inspection.ts";
import { serveErrors } from "../errors.ts";
import { QuestionSet } from "./question-set.ts";

export type Question = NonNullable<MessageInitShape<typeof QuerySchemaType>["question"]>;

export interface Answer {
  /** HTTP status of Envoy's admin interface, or 200. */
  status: number;
  contentType: string;
  body: Uint8Array;
}

/** What an agent announces when it answers questions. */
const capability = "query";
/** Questions that may wait for one machine. */
const perMachineLimit = 64;
/** The agent's own time to answer is so much shorter than the asker's, milliseconds. */
const travelMs = 500;

/** One stream of a machine. */
interface Line {
  readonly client: XdsClient;
  readonly connectionId: string;
  readonly questions: QuestionSet;
}

interface Waiting {
  readonly line: Line;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class QueryBroker implements Stoppable {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly machineOf: (connectionId: string) => string | undefined;
  /** By the `name.namespace` that the node claims; the newest is last. */
  private readonly lines = new Map<string, Line[]>();
  private readonly waiting = new Map<string, Waiting>();

  /** @param options.machineOf the registered machine that a stream speaks for, as the key of its WorkloadEntry; others are asked nothing */
  constructor(options: { machineOf: (connectionId: string) => string | undefined; clock: Clock; random: Random }) {
    this.clock = options.clock;
    this.random = options.random;
    this.machineOf = options.machineOf;
  }

  /** A generator that also delivers questions, to streams that have proven themselves and can answer. */
  layer(generator: Generator): Generator {
    return {
      open: (client, connectionId) => {
        const view = generator.open(client, connectionId);
        if (client.identities.length === 0 || !client.node.capabilities.has(capability)) return view;
        return this.connect({ client, connectionId, questions: new QuestionSet() }, view);
      },
    };
  }

  /**
   * @param machine `name.namespace` of the machine or of its WorkloadEntry, or its node id
   * @throws LateenError LAT2111 not connected, LAT2112 no answer in time, LAT2113 too many questions, LAT2115 refused,
   *   LAT2116 several machines of that name
   */
  async ask(machine: string, question: Question, options: { timeoutMs: number }): Promise<Answer> {
    const target = this.lineOf(machine);
    if (target.questions.size >= perMachineLimit) {
      throw serveErrors.tooManyQuestions(`${perMachineLimit} questions to ${machine} wait for an answer`);
    }
    // Unguessable: machines of one group share an identity, and only the one that was asked may answer.
    const id = base64url(this.random.bytes(24));
    const body = toBinary(
      QuerySchema,
      create(QuerySchema, { id, timeoutMs: Math.max(1, options.timeoutMs - travelMs), question }),
    );
    const answered = new Promise<Answer>((resolve, reject) => this.waiting.set(id, { line: target, resolve, reject }));
    const cancel = this.clock.after(options.timeoutMs, () =>
      this.fail(id, serveErrors.questionTimeout(`${machine} did not answer within ${options.timeoutMs} ms`)),
    );
    target.questions.add({ typeUrl: typeUrls.query, name: id, version: contentHash(body), body, sources: [] });
    try {
      return await answered;
    } finally {
      cancel();
      this.waiting.delete(id);
      target.questions.remove(id);
    }
  }

  /**
   * Takes an answer that came from a proven identity.
   *
   * @throws LateenError LAT2114 where this machine was not asked that
   */
  answer(identity: string, answer: AnswerRequest): void {
    const waiting = this.waiting.get(answer.queryId);
    if (waiting === undefined || !waiting.line.client.identities.includes(identity)) {
      throw serveErrors.unknownQuestion("no such question waits for this machine");
    }
    if (answer.error !== "") waiting.reject(serveErrors.questionFailed(answer.error));
    else waiting.resolve({ status: answer.status, contentType: answer.contentType, body: answer.body });
  }

  /** Questions that wait for an answer of this identity. */
  questionsTo(identity: string): number {
    let count = 0;
    for (const { line } of this.waiting.values()) if (line.client.identities.includes(identity)) count += 1;
    return count;
  }

  get queue(): QueueInspection {
    const limit = perMachineLimit * Math.max(1, this.lines.size);
    return { name: "questions", help: "questions to machines without an answer yet", length: this.waiting.size, limit };
  }

  async stop(): Promise<void> {
    for (const id of [...this.waiting.keys()]) this.fail(id, serveErrors.shuttingDown("the control plane is stopping"));
  }

  private fail(id: string, error: Error): void {
    this.waiting.get(id)?.reject(error);
  }

  /**
   * The newest stream of the machine. Name and id are claims of the node: only who is registered is believed, and only
   * where nobody else claims the same; else who calls itself like another's WorkloadEntry would be asked in its place.
   */
  private lineOf(name: string): Line {
    const lines = [...this.lines.values()].flat().filter((line) => this.namesOf(line).includes(name));
    const newest = lines.at(-1);
    if (newest === undefined) {
      throw serveErrors.machineNotConnected(`${name} has no registered agent connected that answers questions`);
    }
    const machines = new Map(lines.map((line) => [this.machineOf(line.connectionId), line.client]));
    if (machines.size > 1) {
      const who = [...machines.values()].map((client) => `${client.identities.join(", ")} at ${client.node.ips[0]}`);
      throw serveErrors.machineAmbiguous(`${name} is the name of ${who.join(" and of ")}`);
    }
    return newest;
  }

  /** Machines that share a name have other names that are theirs alone. Who is not registered has none. */
  private namesOf({ client, connectionId }: Line): string[] {
    const [namespace, entry] = this.machineOf(connectionId)?.split("/").slice(-2) ?? [];
    return entry === undefined ? [] : [client.node.name, client.node.id, `${entry}.${namespace}`];
  }

  private connect(line: Line, view: ClientView): ClientView {
    const { name } = line.client.node;
    this.lines.set(name, [...(this.lines.get(name) ?? []), line]);
    return {
      whenReady: (go) => view.whenReady(go),
      resources: (typeUrl) => (typeUrl === typeUrls.query ? line.questions : view.resources(typeUrl)),
      close: () => {
        const left = (this.lines.get(name) ?? []).filter((other) => other !== line);
        if (left.length === 0) this.lines.delete(name);
        else this.lines.set(name, left);
        for (const [id, waiting] of this.waiting) {
          if (waiting.line === line)
            this.fail(id, serveErrors.machineNotConnected(`${name} disconnected before it answered`));
        }
        view.close();
      },
    };
  }
}
