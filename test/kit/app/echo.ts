// The application of the tests: answers with its name and what it was asked. It knows nothing of the mesh.
//
// Usage: node echo.ts NAME HTTP-PORT TCP-PORT [GRPC-PORT]
//
// GET /status/503 answers with that status, /flaky with 503 every other time, /wait/1500 after so many milliseconds.
// The TCP port answers what a client says with NAME and the same text, the gRPC port every call with one message: the JSON
// that HTTP answers.
import { createServer } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { createServer as createTcpServer } from "node:net";

const [name = "", httpPort = "8080", tcpPort = "9000", grpcPort] = process.argv.slice(2);
let flaky = 0;

const server = createServer((request, response) => {
  const { method = "", url = "", headers } = request;
  console.log(`${method} ${url} ${headers.host}`);
  const [, verb, value] = url.split("/");
  if (verb === "status") response.statusCode = Number(value);
  if (verb === "flaky") response.statusCode = flaky++ % 2 === 0 ? 503 : 200;
  request.resume();
  const answer = (): void => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ name, method, url, headers }));
  };
  if (verb === "wait") setTimeout(answer, Number(value));
  else answer();
});
server.keepAliveTimeout = 60_000;

const tcpServer = createTcpServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", (chunk) => socket.write(`${name} ${chunk.toString()}`));
});

const grpcServer = createHttp2Server();
grpcServer.on("stream", (stream: ServerHttp2Stream, headers) => {
  stream.on("error", () => {});
  stream.resume();
  const { ":path": url, ":method": method, ...rest } = headers;
  const plain = Object.fromEntries(Object.entries(rest).filter(([field]) => !field.startsWith(":")));
  const message = Buffer.from(JSON.stringify({ name, method, url, headers: plain }));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.concat([prefix, message]));
});

// Without an address: IPv4 and IPv6.
server.listen(Number(httpPort), () =>
  tcpServer.listen(Number(tcpPort), () => {
    const ready = (): void => console.log(`${name} listens on ${httpPort} and ${tcpPort}`);
    if (grpcPort === undefined) ready();
    else grpcServer.listen(Number(grpcPort), ready);
  }),
);
