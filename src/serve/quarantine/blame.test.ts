import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { RedirectActionSchema, VirtualHostSchema } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { Config } from "../../config/object.ts";
import type { ConfigRef } from "../../xds/config-ref.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { blame } from "./blame.ts";
import { brokenConstraint, envoyWords, virtualHostIndex } from "./envoy-words.ts";
import { isOwnAffair } from "./own-affair.ts";
import { rejectedValue } from "./rejected-value.ts";
import { suspectsNamed } from "./suspects.ts";

const entry: ConfigRef = { kind: "ServiceEntry", namespace: "shop", name: "a" };
const routes: ConfigRef = { kind: "VirtualService", namespace: "shop", name: "a" };
const specs: Record<string, unknown> = {
  ServiceEntry: { hosts: ["a.example"], ports: [{ number: 80, name: "http" }] },
  VirtualService: {
    hosts: ["a.example"],
    http: [{ match: [{ uri: { regex: "(abc" } }] }, { redirect: { uri: "/a\nb" } }],
  },
};
const options = {
  sources: [entry, routes],
  message: "",
  value: undefined,
  names: ["80", "a.example:80"],
  objectOf: (ref: ConfigRef) => ({ spec: specs[ref.kind] }) as Config,
  recent: () => [],
};
/** As Envoy 1.40 prints it; the dump is shortened. */
const constraint =
  'goo.gle/debugonly    \nvirtual_hosts {\n  name: "other"\n}\n: Proto constraint validation failed (RouteConfigurationValidationError.VirtualHosts[1]: embedded message failed validation | caused by VirtualHostValidationError.Routes[0]: embedded message failed validation | caused by RouteValidationError.Redirect: embedded message failed validation | caused by RedirectActionValidationError.PathRedirect: value does not match regex pattern "^[^\\x00\\n\\r]*$")';

test("the one field whose value the message repeats is blamed", () => {
  const found = blame({ ...options, message: "Invalid regex '(abc': missing closing )" });
  assert.deepEqual(found, { objects: [routes], path: "spec.http[0].match[0].uri.regex" });
});

test("a value that several fields hold tells nothing; then the last change does, or nobody in particular", () => {
  const message = "duplicate domain a.example";
  assert.deepEqual(blame({ ...options, message }), { objects: [entry, routes], path: undefined });
  const recent = () => [[{ ...entry, name: "elsewhere" }], [routes], [entry]];
  assert.deepEqual(blame({ ...options, message, recent }), { objects: [routes], path: undefined });
});

test("names of the resource, and pieces of words, are no values", () => {
  assert.deepEqual(blame({ ...options, message: "httpx a.example:80 is bad" }).objects, [entry, routes]);
});

test("Envoy's constraint failures are read without their dump", () => {
  assert.equal(
    envoyWords(constraint),
    'VirtualHosts[1].Routes[0].Redirect.PathRedirect: value does not match regex pattern "^[^\\x00\\n\\r]*$"',
  );
  assert.equal(virtualHostIndex(constraint), 1);
  assert.equal(brokenConstraint("Proto constraint validation failed (something else)"), undefined);
  assert.equal(envoyWords("two\n lines "), "two lines");
});

test("the text that breaks a constraint is read from the content, and leads to its field", () => {
  const redirect = create(RedirectActionSchema, { pathRewriteSpecifier: { case: "pathRedirect", value: "/a\nb" } });
  const withRoute = create(VirtualHostSchema, {
    name: "a.example:80",
    routes: [{ action: { case: "redirect", value: redirect } }],
  });
  const body = toBinary(VirtualHostSchema, withRoute);
  const of = { typeUrl: typeUrls.route, fragment: "a.example:80" };
  const value = rejectedValue({ body }, of, constraint);
  assert.equal(value, "/a\nb");
  assert.deepEqual(blame({ ...options, value }), { objects: [routes], path: "spec.http[1].redirect.uri" });
  assert.equal(rejectedValue({ body: new Uint8Array([255]) }, of, constraint), undefined);
});

test("a part is named by its place, or by a text that only it holds; where several are, none is", () => {
  const part = (name: string) => ({ name, version: name, body: Buffer.from(`host ${name} path`), sources: [] });
  const [a, b, c] = [part("aaa"), part("bbb"), part("ccc")];
  const all = [a, b, c];
  assert.deepEqual(suspectsNamed(all, all, constraint), [b]);
  assert.deepEqual(suspectsNamed([a, c], all, constraint), []);
  assert.deepEqual(suspectsNamed(all, all, "duplicate 'ccc' in host"), [c]);
  assert.deepEqual(suspectsNamed(all, all, "'ccc' clashes with 'aaa'"), []);
  assert.deepEqual(suspectsNamed(all, all, "host"), []);
});

test("what is because of the machine is told from what is because of the content", () => {
  for (const message of [
    "error adding listener '0.0.0.0_80': cannot bind '0.0.0.0:80': Address already in use",
    "Invalid path: /nonexistent/ca.pem",
    "unable to read file: /etc/key.pem",
  ]) {
    assert.equal(isOwnAffair(message), true, message);
  }
  for (const message of [constraint, "Only unique values for domains are permitted", ""]) {
    assert.equal(isOwnAffair(message), false, message);
  }
});
