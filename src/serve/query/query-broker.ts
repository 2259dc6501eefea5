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

interface Machine {
  readonly client: XdsClient;
  readonly questions: QuestionSet;
}

interface Waiting {
  readonly machine: Machine;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class QueryBroker implements Stoppable {
  private readonly clock: Clock;
  private readonly random: Random;
  /** By `name.namespace`; the newest stream of a machine is last. */
  private readonly machines = new Map<string, Machine[]>();
  private readonly waiting = new Map<string, Waiting>();

  constructor(options: { clock: Clock; random: Random }) {
    this.clock = options.clock;
    this.random = options.random;
  }

  /** A generator that also delivers questions, to streams that have proven themselves and can answer. */
  layer(generator: Generator): Generator {
    return {
      open: (client) => {
        const view = generator.open(client);
        if (client.identities.length === 0 || !client.node.capabilities.has(capability)) return view;
        return this.connect(client, view);
      },
    };
  }

  /**
   * @param machine `name.namespace`
   * @throws LateenError LAT2111 not connected, LAT2112 no answer in time, LAT2113 too many questions, LAT2115 refused
   */
  async ask(machine: string, question: Question, options: { timeoutMs: number }): Promise<Answer> {
    const target = this.machines.get(machine)?.at(-1);
    if (target === undefined)
      throw serveErrors.machineNotConnected(`${machine} has no agent connected that answers questions`);
    if (target.questions.size >= perMachineLimit) {
      throw serveErrors.tooManyQuestions(`${perMachineLimit} questions to ${machine} wait for an answer`);
    }
    // Unguessable: machines of one group share an identity, and only the one that was asked may answer.
    const id = base64url(this.random.bytes(24));
    const body = toBinary(
      QuerySchema,
      create(QuerySchema, { id, timeoutMs: Math.max(1, options.timeoutMs - travelMs), question }),
    );
    const answered = new Promise<Answer>((resolve, reject) =>
      this.waiting.set(id, { machine: target, resolve, reject }),
    );
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
    if (waiting === undefined || !waiting.machine.client.identities.includes(identity)) {
      throw serveErrors.unknownQuestion("no such question waits for this machine");
    }
    if (answer.error !== "") waiting.reject(serveErrors.questionFailed(answer.error));
    else waiting.resolve({ status: answer.status, contentType: answer.contentType, body: answer.body });
  }

  async stop(): Promise<void> {
    for (const id of [...this.waiting.keys()]) this.fail(id, serveErrors.shuttingDown("the control plane is stopping"));
  }

  private fail(id: string, error: Error): void {
    this.waiting.get(id)?.reject(error);
  }

  private connect(client: XdsClient, view: ClientView): ClientView {
    const machine: Machine = { client, questions: new QuestionSet() };
    const { name } = client.node;
    this.machines.set(name, [...(this.machines.get(name) ?? []), machine]);
    return {
      resources: (typeUrl) => (typeUrl === typeUrls.query ? machine.questions : view.resources(typeUrl)),
      close: () => {
        const left = (this.machines.get(name) ?? []).filter((other) => other !== machine);
        if (left.length === 0) this.machines.delete(name);
        else this.machines.set(name, left);
        for (const [id, waiting] of this.waiting) {
          if (waiting.machine === machine)
            this.fail(id, serveErrors.machineNotConnected(`${name} disconnected before it answered`));
        }
        view.close();
      },
    };
  }
}
