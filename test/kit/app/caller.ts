// Calls several services without pause, as applications do: over connections that stay, over new ones, with gRPC, with TCP.
// It knows nothing of the mesh.
//
// Standard input: one line, a `CallPlan`; when it ends, calls end. Standard output: a `CallReport` every 100 ms, and the last one.
import { Agent, request } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { createInterface } from "node:readline";

export interface CallTarget {
  key: string;
  host: string;
  /** What it is called with, in turn; repeated words come more often. */
  ways: CallWay[];
}

/** `keep`: HTTP over connections that stay; `fresh`: each over a new one. */
export type CallWay = "keep" | "fresh" | "grpc" | "tcp";

export interface CallPlan {
  targets: CallTarget[];
  perSecond: number;
}

/** Calls that had the same answer. Times are CLOCK_MONOTONIC, milliseconds. */
export interface AnswerCount {
  key: string;
  way: CallWay;
  /** Of the application that answered. */
  name: string;
  /** The header x-step that its request had on arrival. */
  step: string;
  count: number;
  /** Of them tried more than once. */
  retried: number;
  firstMs: number;
  lastMs: number;
  longestMs: number;
}

export interface FailedCall {
  key: string;
  way: CallWay;
  /** 0 where there was no answer. */
  status: number;
  detail: string;
  atMs: number;
  tookMs: number;
}

export interface CallReport {
  answers: AnswerCount[];
  failed: FailedCall[];
  /** Calls that were left out, because too many had no answer yet. */
  skipped: number;
}

const ports: Readonly<Record<CallWay, number>> = { keep: 80, fresh: 80, grpc: 7070, tcp: 9000 };
const answerMs = 10_000;
const reportMs = 100;
const pendingLimit = 128;

let answers = new Map<string, AnswerCount>();
let failed: FailedCall[] = [];
let skipped = 0;
let pending = 0;
const kept = new Agent({ keepAlive: true, maxSockets: 8 });
const sessions = new Map<string, ClientHttp2Session>();

interface Outcome {
  status: number;
  body: string;
}

async function call({ key, host }: CallTarget, way: CallWay): Promise<void> {
  const startMs = nowMs();
  pending += 1;
  try {
    const { status, body } = await ask[way](host, ports[way]);
    const name = /"name":"([^"]*)"/.exec(body)?.[1] ?? /^(\S+) hello/.exec(body)?.[1];
    if (status !== 200 || name === undefined) fail({ key, way, status, detail: body.slice(0, 200) }, startMs);
    else {
      const step = /"x-step":"([^"]*)"/.exec(body)?.[1] ?? "";
      const retried = /"x-envoy-attempt-count":"(?!1")/.test(body);
      take({ key, way, name, step }, { startMs, retried });
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    fail({ key, way, status: 0, detail: `${code ?? ""} ${message}` }, startMs);
  }
  pending -= 1;
}

function take(
  what: Pick<AnswerCount, "key" | "way" | "name" | "step">,
  of: { startMs: number; retried: boolean },
): void {
  const id = `${what.key} ${what.way} ${what.name} ${what.step}`;
  let entry = answers.get(id);
  if (entry === undefined) {
    entry = { ...what, count: 0, retried: 0, firstMs: of.startMs, lastMs: 0, longestMs: 0 };
    answers.set(id, entry);
  }
  const endMs = nowMs();
  entry.count += 1;
  if (of.retried) entry.retried += 1;
  entry.firstMs = Math.min(entry.firstMs, of.startMs);
  entry.lastMs = Math.max(entry.lastMs, endMs);
  entry.longestMs = Math.max(entry.longestMs, endMs - of.startMs);
}

function fail(what: Omit<FailedCall, "atMs" | "tookMs">, startMs: number): void {
  failed.push({ ...what, atMs: startMs, tookMs: nowMs() - startMs });
}

const ask: Readonly<Record<CallWay, (host: string, port: number) => Promise<Outcome>>> = {
  keep: (host, port) => askHttp(host, port, kept),
  fresh: (host, port) => askHttp(host, port, false),
  grpc: askGrpc,
  tcp: askTcp,
};

function askHttp(host: string, port: number, agent: Agent | false): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, path: "/", agent, timeout: answerMs }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on("timeout", () => outgoing.destroy(new TypeError(`no answer within ${answerMs} ms`)));
    outgoing.on("error", (error) =>
      reject(outgoing.reusedSocket ? Object.assign(error, { message: `${error.message}, used before` }) : error),
    );
    outgoing.end();
  });
}

function askGrpc(host: string, port: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const stream = sessionTo(`http://${host}:${port}`).request({
      ":method": "POST",
      ":path": "/echo.Echo/Say",
      "content-type": "application/grpc",
      te: "trailers",
    });
    let status = 0;
    let grpcStatus = "none";
    let body = "";
    stream.setTimeout(answerMs, () => stream.destroy(new TypeError(`no answer within ${answerMs} ms`)));
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
      grpcStatus = String(headers["grpc-status"] ?? grpcStatus);
      if (grpcStatus !== "none" && grpcStatus !== "0") body = String(headers["grpc-message"]);
    });
    stream.on("trailers", (trailers) => {
      grpcStatus = String(trailers["grpc-status"] ?? grpcStatus);
    });
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    stream.on("error", reject);
    stream.on("close", () => {
      if (status === 200 && grpcStatus === "0") resolve({ status, body });
      else resolve({ status: status === 200 ? 0 : status, body: `grpc-status ${grpcStatus} ${body}` });
    });
    stream.end(Buffer.alloc(5));
  });
}

function sessionTo(url: string): ClientHttp2Session {
  const known = sessions.get(url);
  if (known !== undefined) return known;
  const session = connectHttp2(url);
  sessions.set(url, session);
  const leave = (): void => {
    if (sessions.get(url) === session) sessions.delete(url);
  };
  session.on("error", leave);
  session.on("close", leave);
  // What is on its way is still answered; what comes next goes over another connection.
  session.on("goaway", () => {
    leave();
    session.close();
  });
  return session;
}

function askTcp(host: string, port: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    socket.setTimeout(answerMs, () => socket.destroy(new TypeError(`no answer within ${answerMs} ms`)));
    let answered = false;
    socket.on("connect", () => socket.write("hello"));
    socket.on("data", (chunk) => {
      answered = true;
      resolve({ status: 200, body: chunk.toString() });
      socket.end();
    });
    socket.on("end", () => {
      if (!answered) reject(new TypeError("closed without an answer"));
    });
    socket.on("error", reject);
  });
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function report(): void {
  if (answers.size === 0 && failed.length === 0 && skipped === 0) return;
  console.log(JSON.stringify({ answers: [...answers.values()], failed, skipped } satisfies CallReport));
  answers = new Map();
  failed = [];
  skipped = 0;
}

function start({ targets, perSecond }: CallPlan): void {
  const order = targets.map((target) => ({ target, ways: target.ways, next: 0 }));
  let turn = 0;
  const calling = setInterval(() => {
    const entry = order[turn++ % order.length];
    if (entry === undefined) return;
    const way = entry.ways[entry.next++ % entry.ways.length] ?? "keep";
    if (pending >= pendingLimit) skipped += 1;
    else void call(entry.target, way);
  }, 1000 / perSecond);
  const reporting = setInterval(report, reportMs);
  input.on("close", () => {
    clearInterval(calling);
    const ending = setInterval(() => {
      if (pending > 0) return;
      clearInterval(ending);
      clearInterval(reporting);
      report();
      kept.destroy();
      for (const session of sessions.values()) session.close();
    }, 10);
  });
}

const input = createInterface({ input: process.stdin });
input.once("line", (line) => start(JSON.parse(line) as CallPlan));
