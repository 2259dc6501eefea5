import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outlineOf, problemsOf, smallKindSuite } from "../small-kind.suite.ts";
import { workloadGroupKind } from "./workload-group.ts";

const template = {
  ports: { http: 8080 },
  labels: { app: "reviews" },
  network: "vm",
  locality: "eu",
  weight: 2,
  serviceAccount: "reviews",
};
const times = { initialDelaySeconds: 1, timeoutSeconds: 2, periodSeconds: 3, successThreshold: 1, failureThreshold: 3 };
const httpGet = {
  path: "/ready",
  port: 80,
  host: "127.0.0.1",
  scheme: "HTTP",
  httpHeaders: [{ name: "x-a", value: "b" }],
};

const groups = [
  {
    metadata: { labels: { app: "a" }, annotations: { "example.com/a": "b c" } },
    template,
    probe: { ...times, httpGet },
  },
  { template, probe: { tcpSocket: { host: "127.0.0.1", port: 80 } } },
  { template, probe: { exec: { command: ["/bin/true"] } } },
  { template: { ...template, address: "10.0.0.1" }, probe: { grpc: { port: 80, service: "a" } } },
];

smallKindSuite(workloadGroupKind, groups, ["template.network", "probe"]);

function found(spec: object): string[] {
  return outlineOf(problemsOf(workloadGroupKind, spec));
}

describe("WorkloadGroup", () => {
  it("needs no address in its template, and ignores one", () => {
    assert.deepEqual(found({ template: {} }), []);
    assert.deepEqual(found({ template: { address: "0.0.0.0" } }), ["warning LAT1007 spec.template.address"]);
  });

  it("takes one probe at most", () => {
    assert.deepEqual(found({ template: {}, probe: {} }), ["warning LAT1010 spec.probe"]);
    const probe = { tcpSocket: { port: 1 }, grpc: { port: 1 } };
    assert.deepEqual(
      found({ template: {}, probe }).filter((line) => line.startsWith("error")),
      ["error LAT1007 spec.probe"],
    );
  });

  it("refuses what a WorkloadEntry made of it could not hold", () => {
    assert.deepEqual(found({ template: { labels: { a: "*" } } }), ["error LAT1007 spec.template.labels.a"]);
    assert.deepEqual(found({ template: {}, metadata: { labels: { "": "a" } } }), [
      'error LAT1007 spec.metadata.labels[""]',
    ]);
    assert.deepEqual(found({ template: {}, metadata: { annotations: { "/a": "a" } } }), [
      'error LAT1007 spec.metadata.annotations["/a"]',
    ]);
  });
});
