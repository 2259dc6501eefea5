// A client as any application has one: names resolved by the machine, nothing known of the mesh. Prints one JSON line.
//
// Usage: node client.ts ORDER, an `Order` as JSON. With count 0 it goes on until its standard input ends.
import { Agent, request } from "node:http";
import { connect } from "node:net";

export interface Order {
  /** `http://…`, or `tcp://HOST:PORT` to say hello and print the answer. */
  url: string;
  /** IP address to connect to instead of the URL's host; URLs cannot name a link-local one, which has a zone. */
  at?: string;
  method?: string;
  headers?: Record<string, string>;
  /** 1 where it is missing. */
  count?: number;
  /** Requests begun in a second, whether answers come or not; one after the other where it is missing. */
  perSecond?: number;
}

export interface Answer {
  /** 0 where there was no answer. */
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** Code of the error, such as `ECONNRESET`. */
  error?: string;
  tookMs: number;
}

export interface Answers {
  /** The first ones, at most 64. */
  first: Answer[];
  /** How often each status came; `0` counts requests without answer. */
  statuses: Record<string, number>;
  /** How often each body came, by the `name` in it. */
  names: Record<string, number>;
}

const keptAnswers = 64;
const answerMs = 10_000;
const order = JSON.parse(process.argv[2] ?? "{}") as Order;
const { count = 1, perSecond = 0 } = order;
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const answers: Answers = { first: [], statuses: {}, names: {} };

function call(): Promise<void> {
  const startMs = performance.now();
  const url = new URL(order.url);
  return new Promise((resolve) => {
    const take = (answer: Omit<Answer, "tookMs">): void => {
      answers.statuses[answer.status] = (answers.statuses[answer.status] ?? 0) + 1;
      const name = /"name":"([^"]*)"/.exec(answer.body)?.[1];
      if (name !== undefined) answers.names[name] = (answers.names[name] ?? 0) + 1;
      if (answers.first.length < keptAnswers) {
        answers.first.push({ ...answer, tookMs: Math.round(performance.now() - startMs) });
      }
      resolve();
    };
    const failed = (error: NodeJS.ErrnoException): void =>
      take({ status: 0, headers: {}, body: "", error: error.code ?? error.message });
    if (url.protocol === "tcp:") sayHello(url, take, failed);
    else askHttp(url, take, failed);
  });
}

type Take = (answer: Omit<Answer, "tookMs">) => void;

function askHttp(url: URL, take: Take, failed: (error: NodeJS.ErrnoException) => void): void {
  const { method = "GET", headers = {} } = order;
  const { at = url.hostname.replace(/^\[|\]$/g, "") } = order;
  const options = { agent, method, headers: { host: url.host, ...headers }, hostname: at, timeout: answerMs };
  const outgoing = request(url, options, (response) => {
    let body = "";
    response.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    response.on("error", failed);
    response.on("end", () => take({ status: response.statusCode ?? 0, headers: response.headers, body }));
  });
  outgoing.on("timeout", () => outgoing.destroy(new TypeError(`no answer within ${answerMs} ms`)));
  outgoing.on("error", failed);
  outgoing.end();
}

function sayHello(url: URL, take: Take, failed: (error: NodeJS.ErrnoException) => void): void {
  const socket = connect(Number(url.port), url.hostname);
  socket.setTimeout(answerMs, () => socket.destroy(new TypeError(`no answer within ${answerMs} ms`)));
  socket.on("connect", () => socket.write("hello"));
  socket.on("data", (chunk) => {
    take({ status: 200, headers: {}, body: chunk.toString() });
    socket.destroy();
  });
  socket.on("end", () => take({ status: 0, headers: {}, body: "", error: "closed" }));
  socket.on("error", failed);
}

if (perSecond === 0) for (let sent = 0; sent < count; sent++) await call();
else {
  const pending: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      pending.push(call());
      if (count > 0 && pending.length >= count) end();
    }, 1000 / perSecond);
    const end = (): void => {
      clearInterval(timer);
      resolve();
    };
    if (count === 0) process.stdin.on("end", end).resume();
  });
  await Promise.all(pending);
}
agent.destroy();
console.log(JSON.stringify(answers));
