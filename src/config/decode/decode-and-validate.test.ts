import assert from "node:assert/strict";
import { test } from "node:test";
import { apiVersionOf } from "../kind.ts";
import { kinds } from "../kinds.ts";
import { decodeAndValidate } from "./decode-and-validate.ts";

const text = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: a
spec:
  hosts:
  - a.example.com
  ports:
  - number: 80
    name: http
  - number: 80
    name: http-two
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: a}
spec:
  network: vm
  address: 10.0.0.1
---
apiVersion: networking.istio.io/v1beta1
kind: WorkloadEntry
metadata: {name: a, namespace: default}
spec: {address: 10.0.0.2}
---
kind: [
`;

test("every problem has its file and line, and objects with errors are kept apart", () => {
  const { objects, refused, problems } = decodeAndValidate(text, { file: "mesh.yaml" });
  assert.deepEqual(
    objects.map(({ kind, origin }) => [kind.kind, origin.line]),
    [["WorkloadEntry", 15]],
  );
  assert.deepEqual(
    refused.map(({ kind, origin }) => [kind.kind, origin.line]),
    [
      ["ServiceEntry", 1],
      ["WorkloadEntry", 22],
    ],
  );
  const seen = problems.map(({ file, line, severity, code, path }) => [file, line, severity, code, path]);
  assert.deepEqual(seen.slice(0, 3), [
    ["mesh.yaml", 8, "error", "LAT1007", "spec.ports"],
    ["mesh.yaml", 19, "warning", "LAT1010", "spec.network"],
    ["mesh.yaml", 24, "error", "LAT1012", "metadata.name"],
  ]);
  assert.ok(seen.slice(3).every(([, line, , code]) => code === "LAT1001" && Number(line) >= 27));
  assert.ok(seen.length > 3);
});

test("a missing field is placed at its nearest parent", () => {
  const { problems } = decodeAndValidate("apiVersion: v1\nkind: Namespace\nmetadata:\n  labels: {}\n");
  assert.deepEqual(
    problems.map(({ code, path, line, file }) => [code, path, line, file]),
    [["LAT1006", "metadata.name", 3, undefined]],
  );
});

test("each kind takes its simplest object in every version it serves", () => {
  const simplest: Record<string, string> = {
    VirtualService: "{hosts: [a], http: [{route: [{destination: {host: a}}]}]}",
    DestinationRule: "{host: a}",
    ServiceEntry: "{hosts: [a.example.com], ports: [{number: 80, name: http}], resolution: DNS}",
    WorkloadEntry: "{address: 10.0.0.1}",
    WorkloadGroup: "{template: {}}",
    PeerAuthentication: "{}",
    AuthorizationPolicy: "{rules: [{from: [{source: {principals: ['*']}}]}]}",
    Namespace: "",
  };
  for (const kind of kinds) {
    for (const version of kind.versions) {
      const document = `apiVersion: ${apiVersionOf(kind, version)}\nkind: ${kind.kind}\nmetadata: {name: a}\nspec: ${simplest[kind.kind]}\n`;
      const { objects, problems } = decodeAndValidate(document);
      assert.deepEqual(problems, [], document);
      assert.equal(objects.length, 1);
    }
  }
});
