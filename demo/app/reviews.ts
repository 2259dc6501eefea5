// The application of the demo: answers with its version and with who the mesh says is calling. It knows nothing of the mesh.
//
// Usage: node reviews.ts VERSION PORT
import { createServer } from "node:http";

const [version = "v1", port = "9080"] = process.argv.slice(2);
let calls = 0;

const server = createServer((request, response) => {
  calls += 1;
  // `/flaky` fails every other time: the fault that the mesh is to hide.
  response.statusCode = request.url === "/flaky" && calls % 2 === 1 ? 503 : 200;
  response.setHeader("content-type", "application/json");
  const caller = /URI=(spiffe:\/\/[^;,"]+)/.exec(String(request.headers["x-forwarded-client-cert"] ?? ""))?.[1];
  response.end(JSON.stringify({ version, caller, attempt: Number(request.headers["x-envoy-attempt-count"] ?? 1) }));
});
server.keepAliveTimeout = 60_000;
server.listen(Number(port), "0.0.0.0", () => console.log(`reviews ${version} listens on ${port}`));
