import assert from "node:assert/strict";
import { test } from "node:test";
import { carriesHost, parseProtocol, protocolOfName } from "./port-protocol.ts";

test("protocol words count in any case", () => {
  assert.equal(parseProtocol("http"), "HTTP");
  assert.equal(parseProtocol("gRPC-Web"), "GRPC-WEB");
  assert.equal(parseProtocol("MySQL"), "TCP");
  for (const word of ["", "UDP", "HTTP/2", "http-web", "constructor"])
    assert.equal(parseProtocol(word), undefined, word);
});

test("a name promises a protocol by its first part", () => {
  assert.equal(protocolOfName("http-web"), "HTTP");
  assert.equal(protocolOfName("grpc-web"), "GRPC-WEB");
  assert.equal(protocolOfName("grpc-web-eu"), "GRPC-WEB");
  assert.equal(protocolOfName("grpc-webhook"), "GRPC");
  assert.equal(protocolOfName("redis-main"), "TCP");
  for (const name of ["web", "httpd", "", "web-http"]) assert.equal(protocolOfName(name), undefined, name);
});

test("only HTTP and TLS tell hosts apart", () => {
  assert.ok(carriesHost({ name: "x", protocol: "TLS" }));
  assert.ok(carriesHost({ name: "http-x" }));
  assert.ok(!carriesHost({ name: "http-x", protocol: "TCP" }));
  assert.ok(!carriesHost({ name: "x" }));
});
