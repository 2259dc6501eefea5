import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Config } from "../../config/object.ts";
import { memoryStore } from "../../store/store.fake.ts";
import { ApiRig, fileKey, type Json } from "./api-rig.fake.ts";

const group = "/apis/networking.istio.io/v1";
const services = `${group}/namespaces/shop/virtualservices`;

function virtualService(name: string, more: { labels?: object; spec?: object; metadata?: object } = {}): Json {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name, ...(more.labels === undefined ? {} : { labels: more.labels }), ...more.metadata },
    spec: more.spec ?? { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] },
  };
}

let rig: ApiRig;
before(async () => {
  rig = await ApiRig.start();
});
after(() => rig.stop());

async function fresh<T>(
  work: (own: ApiRig) => Promise<T>,
  options: Parameters<typeof ApiRig.start>[0] = {},
): Promise<T> {
  const own = await ApiRig.start(options);
  try {
    return await work(own);
  } finally {
    await own.stop();
  }
}

test("discovery lists every kind, in the old form and in the aggregated one", async () => {
  const groups = (await rig.call("GET", "/apis")).json;
  assert.equal(groups.kind, "APIGroupList");
  assert.deepEqual(groups.groups[0].preferredVersion, { groupVersion: "networking.istio.io/v1", version: "v1" });
  const one = (await rig.call("GET", "/apis/security.istio.io")).json;
  assert.deepEqual(
    one.versions.map((version: Json) => version.version),
    ["v1", "v1beta1"],
  );
  const list = (await rig.call("GET", group)).json;
  const entry = list.resources.find((each: Json) => each.name === "virtualservices");
  assert.deepEqual(entry.shortNames, ["vs"]);
  assert.ok(entry.verbs.includes("deletecollection"));
  assert.ok(list.resources.some((each: Json) => each.name === "virtualservices/status"));
  assert.deepEqual((await rig.call("GET", "/api")).json.versions, ["v1"]);
  assert.equal((await rig.call("GET", "/api/v1")).json.resources[0].name, "namespaces");
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
  const all = await rig.call("GET", "/apis", { headers: { accept } });
  assert.equal(all.headers["content-type"], "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  assert.equal(all.json.items[0].versions[0].resources[0].responseKind.kind, "VirtualService");
  assert.equal((await rig.call("GET", "/apis/none.example/v1")).code, 404);
});

test("OpenAPI v3 has what kubectl asks of it", async () => {
  const { paths } = (await rig.call("GET", "/openapi/v3")).json;
  const document = (await rig.call("GET", paths["apis/networking.istio.io/v1"].serverRelativeURL)).json;
  const patch = document.paths[`${group}/namespaces/{namespace}/virtualservices/{name}`].patch;
  const parameters = patch.parameters.map((parameter: Json) => parameter.name);
  assert.ok(parameters.includes("fieldValidation") && parameters.includes("dryRun"));
  assert.deepEqual(patch["x-kubernetes-group-version-kind"], {
    group: "networking.istio.io",
    version: "v1",
    kind: "VirtualService",
  });
  const schema = document.components.schemas["io.istio.networking.v1.VirtualService"];
  assert.equal(schema.properties.spec.properties.http.type, "array");
  assert.ok((await rig.call("GET", "/openapi/v3/api/v1")).json.components.schemas["io.k8s.api.core.v1.Namespace"]);
  assert.equal((await rig.call("GET", "/openapi/v3/apis/none/v1")).code, 404);
});

test("an object is created, read in every version, replaced, and deleted", async () => {
  const created = await rig.call("POST", services, { body: virtualService("life", { labels: { a: "b" } }) });
  assert.equal(created.code, 201);
  const { metadata } = created.json;
  assert.match(metadata.uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(metadata.namespace, "shop");
  assert.equal(metadata.generation, 1);
  assert.equal(metadata.managedFields[0].manager, "unknown");
  const old = await rig.call("GET", `/apis/networking.istio.io/v1alpha3/namespaces/shop/virtualservices/life`);
  assert.deepEqual(old.json, { ...created.json, apiVersion: "networking.istio.io/v1alpha3" });

  const again = await rig.call("POST", services, { body: virtualService("life") });
  assert.equal(again.code, 409);
  assert.equal(again.json.reason, "AlreadyExists");

  const next = { ...created.json, spec: { ...created.json.spec, hosts: ["other"] } };
  const replaced = await rig.call("PUT", `${services}/life`, { body: next });
  assert.equal(replaced.code, 200);
  assert.equal(replaced.json.metadata.generation, 2);
  assert.equal(replaced.json.metadata.uid, metadata.uid);
  assert.ok(Number(replaced.json.metadata.resourceVersion) > Number(metadata.resourceVersion));

  const stale = await rig.call("PUT", `${services}/life`, { body: next });
  assert.equal(stale.code, 409);
  assert.equal(stale.json.reason, "Conflict");
  assert.match(stale.json.message, /the object has been modified/);

  const same = await rig.call("PUT", `${services}/life`, { body: replaced.json });
  assert.equal(same.json.metadata.resourceVersion, replaced.json.metadata.resourceVersion);

  const removed = await rig.call("DELETE", `${services}/life`);
  assert.equal(removed.json.status, "Success");
  assert.equal(removed.json.details.uid, metadata.uid);
  const gone = await rig.call("GET", `${services}/life`);
  assert.equal(gone.code, 404);
  assert.equal(gone.json.message, 'virtualservices.networking.istio.io "life" not found');
  assert.equal((await rig.call("DELETE", `${services}/life`)).code, 404);
  assert.equal((await rig.call("PUT", `${services}/life`, { body: virtualService("life") })).code, 404);
});

test("names may be generated", async () => {
  const body = virtualService("", { metadata: { name: undefined, generateName: "gen-" } });
  const first = await rig.call("POST", services, { body });
  assert.match(first.json.metadata.name, /^gen-[a-z0-9]{5}$/);
  assert.notEqual((await rig.call("POST", services, { body })).json.metadata.name, first.json.metadata.name);
});

test("an object that does not fit its path is refused", async () => {
  const cases: [string, string, Json, number][] = [
    ["POST", services, virtualService("a", { metadata: { namespace: "other" } }), 400],
    ["POST", services, { ...virtualService("a"), kind: "DestinationRule" }, 400],
    ["POST", services, { ...virtualService("a"), apiVersion: "networking.istio.io/v1beta1" }, 400],
    ["POST", services, virtualService("a", { metadata: { resourceVersion: "1" } }), 400],
    ["POST", services, virtualService("Not A Name"), 422],
    ["POST", services, virtualService("", { metadata: { name: undefined } }), 422],
    ["POST", services, virtualService("a", { metadata: { labels: { a: 1 } } }), 422],
    ["POST", services, [virtualService("a")], 400],
    ["POST", `${group}/virtualservices`, virtualService("a"), 400],
    ["PUT", `${services}/b`, virtualService("a"), 404],
    ["POST", "/apis/networking.istio.io/v1/namespaces/Bad_Name/virtualservices", virtualService("a"), 400],
    ["POST", "/apis/networking.istio.io/v9/namespaces/shop/virtualservices", virtualService("a"), 404],
    ["PUT", services, virtualService("a"), 405],
    ["POST", `${services}/a`, virtualService("a"), 405],
    ["PUT", `${services}/a/status`, virtualService("a"), 405],
    ["GET", `${services}/a/scale`, undefined, 404],
    ["GET", `${services}/a/status/more`, undefined, 404],
    ["GET", `${group}/virtualservices/a`, undefined, 404],
  ];
  for (const [method, path, body, code] of cases) {
    const answer = await rig.call(method, path, body === undefined ? {} : { body });
    assert.equal(answer.code, code, `${method} ${path} ${answer.text}`);
    assert.equal(answer.json.kind, "Status");
    assert.equal(answer.json.code, code);
  }
});

test("errors of the object come with a cause for each field, warnings in headers", async () => {
  const spec = { hosts: ["a"], http: [{ timeout: 5, route: [{ destination: { host: "a" }, weight: "x" }] }] };
  const refused = await rig.call("POST", services, { body: virtualService("bad", { spec }) });
  assert.equal(refused.code, 422);
  assert.equal(refused.json.reason, "Invalid");
  assert.deepEqual(
    refused.json.details.causes.map(({ field, reason }: Json) => `${field} ${reason}`),
    ["spec.http[0].route[0].weight FieldValueTypeInvalid", "spec.http[0].timeout FieldValueTypeInvalid"],
  );
  const pending = { hosts: ["a"], http: [{ delegate: { name: "other" } }] };
  const warned = await rig.call("POST", services, { body: virtualService("warned", { spec: pending }) });
  assert.equal(warned.code, 201);
  assert.match(String(warned.headers["warning"]), /^299 - "LAT1010 spec\.http\[0\]\.delegate: /);
  assert.deepEqual(
    warned.json.status.conditions.map(({ type, status, reason }: Json) => `${type} ${status} ${reason}`),
    ["CarriedOut False PendingFields"],
  );
  assert.equal((await rig.call("GET", `${services}/warned/status`)).json.status.conditions.length, 1);
  const fields = (await rig.call("GET", "/lateen/v1/pending-fields")).json;
  assert.ok(
    fields.some(
      (field: Json) =>
        field.kind === "VirtualService" && field.path === "spec.http[].delegate" && field.description !== "",
    ),
  );
});

test("unknown fields are refused, warned of or dropped, as the client wishes", async () => {
  const body = virtualService("unknown", {
    metadata: { lables: { a: "b" } },
    spec: { hosts: ["a"], http: [{ routes: [], route: [{ destination: { host: "a" } }] }], hosst: [] },
  });
  const strict = await rig.call("POST", `${services}?fieldValidation=Strict`, { body });
  assert.equal(strict.code, 400);
  assert.match(
    strict.json.message,
    /strict decoding error: unknown field "metadata\.lables" \(did you mean labels\?\), unknown field "spec\.http\[0\]\.routes"/,
  );
  const warned = await rig.call("POST", `${services}?fieldValidation=Warn&dryRun=All`, { body });
  assert.equal(warned.code, 201);
  assert.match(String(warned.headers["warning"]), /unknown field \\"spec\.hosst\\"/);
  const ignored = await rig.call("POST", `${services}?fieldValidation=Ignore`, { body });
  assert.equal(ignored.headers["warning"], undefined);
  assert.equal(ignored.json.spec.hosst, undefined);
  assert.equal(ignored.json.metadata.lables, undefined);
  const twice = await rig.call("POST", services, { text: '{"apiVersion":"a","apiVersion":"b"}' });
  assert.equal(twice.code, 400);
  assert.equal((await rig.call("POST", `${services}?fieldValidation=Maybe`, { body })).code, 400);
});

test("a dry run checks everything and changes nothing", async () => {
  const created = await rig.call("POST", `${services}?dryRun=All`, { body: virtualService("dry") });
  assert.equal(created.code, 201);
  assert.equal(created.json.metadata.resourceVersion, undefined);
  assert.equal((await rig.call("GET", `${services}/dry`)).code, 404);
  await rig.call("POST", services, { body: virtualService("dry") });
  assert.equal((await rig.call("POST", `${services}?dryRun=All`, { body: virtualService("dry") })).code, 409);
  const headers = { "content-type": "application/merge-patch+json" };
  const patched = await rig.call("PATCH", `${services}/dry?dryRun=All`, { body: { spec: { hosts: ["x"] } }, headers });
  assert.deepEqual(patched.json.spec.hosts, ["x"]);
  assert.deepEqual((await rig.call("GET", `${services}/dry`)).json.spec.hosts, ["reviews"]);
  assert.equal((await rig.call("DELETE", `${services}/dry?dryRun=All`)).code, 200);
  assert.equal((await rig.call("DELETE", `${services}/dry`, { body: { dryRun: ["All"] } })).code, 200);
  assert.equal((await rig.call("GET", `${services}/dry`)).code, 200);
  assert.equal((await rig.call("DELETE", `${services}/dry?dryRun=Some`)).code, 400);
});

test("patches: merge, JSON, strategic refused for custom resources", async () => {
  await rig.call("POST", services, { body: virtualService("patched", { labels: { keep: "1" } }) });
  const patch = (type: string, body: unknown) =>
    rig.call("PATCH", `${services}/patched`, { body, headers: { "content-type": `application/${type}` } });
  const merged = await patch("merge-patch+json", {
    metadata: { labels: { add: "2", keep: null } },
    spec: { http: null, tcp: [{ route: [{ destination: { host: "a" } }] }] },
  });
  assert.deepEqual(merged.json.metadata.labels, { add: "2" });
  assert.equal(merged.json.spec.http, undefined);
  const json = await patch("json-patch+json", [
    { op: "test", path: "/metadata/labels/add", value: "2" },
    { op: "replace", path: "/spec/hosts/0", value: "x" },
  ]);
  assert.deepEqual(json.json.spec.hosts, ["x"]);
  assert.equal((await patch("json-patch+json", [{ op: "test", path: "/spec/hosts/0", value: "no" }])).code, 422);
  assert.equal((await patch("strategic-merge-patch+json", {})).code, 415);
  assert.equal((await patch("json", {})).code, 415);
  assert.equal((await patch("merge-patch+json", [])).code, 400);
  assert.equal((await patch("merge-patch+json", { metadata: { name: "renamed" } })).code, 400);
  assert.equal((await patch("merge-patch+json", { metadata: { uid: "x" } })).code, 409);
  assert.equal((await patch("merge-patch+json", { metadata: { resourceVersion: "1" } })).code, 409);
  assert.equal((await patch("merge-patch+json", { metadata: { resourceVersion: "99999999" } })).code, 409);
  const space = await rig.call("PATCH", "/api/v1/namespaces/shop", {
    body: { metadata: { labels: { team: "a" } } },
    headers: { "content-type": "application/strategic-merge-patch+json" },
  });
  assert.equal(space.code, 200);
  assert.deepEqual(space.json.metadata.labels, { team: "a" });
});

test("of many patches at once none is lost", async () => {
  await rig.call("POST", services, { body: virtualService("busy") });
  const headers = { "content-type": "application/merge-patch+json" };
  const codes = await Promise.all(
    Array.from({ length: 4 }, async (_, index) => {
      const body = { metadata: { labels: { [`l${index}`]: "1" } } };
      return (await rig.call("PATCH", `${services}/busy`, { body, headers })).code;
    }),
  );
  assert.deepEqual(codes, [200, 200, 200, 200]);
  assert.equal(Object.keys((await rig.call("GET", `${services}/busy`)).json.metadata.labels).length, 4);
});

test("server-side apply makes, merges, refuses what others own, and forces", async () => {
  const apply = (manager: string, body: unknown, more = "") =>
    rig.call("PATCH", `${services}/applied?fieldManager=${manager}${more}`, {
      text: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/apply-patch+yaml" },
    });
  const base = { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "applied" } };
  const made = await apply(
    "a",
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: applied}\nspec: {hosts: [a], http: [{route: [{destination: {host: a}}]}]}\n",
  );
  assert.equal(made.code, 201);
  const shared = await apply("b", { ...base, spec: { gateways: ["g"] } });
  assert.equal(shared.code, 200);
  assert.deepEqual(shared.json.spec.hosts, ["a"]);
  const conflict = await apply("b", { ...base, spec: { hosts: ["b"], gateways: ["g"] } });
  assert.equal(conflict.code, 409);
  assert.deepEqual(conflict.json.details.causes[0], {
    reason: "FieldManagerConflict",
    message: 'conflict with "a" (networking.istio.io/v1)',
    field: ".spec.hosts",
  });
  const forced = await apply("b", { ...base, spec: { hosts: ["b"] } }, "&force=true");
  assert.deepEqual(forced.json.spec.hosts, ["b"]);
  assert.equal(forced.json.spec.gateways, undefined);
  const again = await apply("b", { ...base, spec: { hosts: ["b"] } });
  assert.equal(again.json.metadata.resourceVersion, forced.json.metadata.resourceVersion);
  assert.equal(
    (
      await rig.call("PATCH", `${services}/applied`, {
        body: base,
        headers: { "content-type": "application/apply-patch+yaml" },
      })
    ).code,
    400,
  );
  assert.equal((await apply("b", { ...base, metadata: { name: "applied", managedFields: [{}] } })).code, 400);
  assert.equal((await apply("b", { ...base, spec: { hosts: [1] } })).code, 422);
});

test("deletes heed preconditions; collections are deleted by selector", async () => {
  const { json } = await rig.call("POST", services, { body: virtualService("cond") });
  const remove = (preconditions: object) =>
    rig.call("DELETE", `${services}/cond`, {
      body: { kind: "DeleteOptions", apiVersion: "v1", preconditions, propagationPolicy: "Foreground" },
    });
  assert.equal((await remove({ uid: "other" })).code, 409);
  assert.equal((await remove({ resourceVersion: "1" })).code, 409);
  assert.equal((await remove({ uid: json.metadata.uid, resourceVersion: json.metadata.resourceVersion })).code, 200);
  for (const name of ["x1", "x2", "x3"]) {
    await rig.call("POST", services, { body: virtualService(name, { labels: { set: name === "x3" ? "b" : "a" } }) });
  }
  assert.equal((await rig.call("DELETE", `${services}?labelSelector=set=a`)).code, 200);
  const left = (await rig.call("GET", `${services}?labelSelector=set`)).json.items;
  assert.deepEqual(
    left.map((item: Json) => item.metadata.name),
    ["x3"],
  );
});

test("lists: all namespaces or one, selected, in pages, as Tables or metadata", () =>
  fresh(async (own) => {
    for (const [namespace, name] of [
      ["bank", "b"],
      ["shop", "a"],
      ["shop", "c"],
    ] as const) {
      const path = `${group}/namespaces/${namespace}/virtualservices`;
      assert.equal((await own.call("POST", path, { body: virtualService(name, { labels: { n: name } }) })).code, 201);
    }
    const names = async (query: string): Promise<string[]> =>
      (await own.call("GET", query)).json.items.map((item: Json) => `${item.metadata.namespace}/${item.metadata.name}`);
    const all = `${group}/virtualservices`;
    assert.deepEqual(await names(all), ["bank/b", "shop/a", "shop/c"]);
    assert.deepEqual(await names(services), ["shop/a", "shop/c"]);
    assert.deepEqual(await names(`${all}?labelSelector=n%20in%20(a,b)`), ["bank/b", "shop/a"]);
    assert.deepEqual(await names(`${all}?fieldSelector=metadata.namespace!=shop`), ["bank/b"]);
    assert.deepEqual(await names(`${group}/namespaces/none/virtualservices`), []);
    const first = (await own.call("GET", `${all}?limit=2`)).json;
    assert.equal(first.kind, "VirtualServiceList");
    assert.equal(first.metadata.remainingItemCount, 1);
    const second = (await own.call("GET", `${all}?limit=2&continue=${first.metadata.continue}`)).json;
    assert.deepEqual(
      second.items.map((item: Json) => item.metadata.name),
      ["c"],
    );
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    assert.equal(second.metadata.continue, undefined);
    assert.equal((await own.call("GET", `${all}?continue=nonsense`)).code, 400);

    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    const table = (await own.call("GET", all, { headers: { accept } })).json;
    assert.equal(table.kind, "Table");
    assert.deepEqual(
      table.columnDefinitions.map((column: Json) => column.name),
      ["Name", "Gateways", "Hosts", "Age"],
    );
    assert.deepEqual(table.rows[0].cells.slice(0, 3), ["b", null, '["reviews"]']);
    assert.match(table.rows[0].cells[3], /^\d+s$/);
    assert.equal(table.rows[0].object.kind, "PartialObjectMetadata");
    const full = (await own.call("GET", `${services}/a?includeObject=Object`, { headers: { accept } })).json;
    assert.equal(full.rows[0].object.kind, "VirtualService");
    const partial = { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" };
    const metadata = (await own.call("GET", all, { headers: partial })).json;
    assert.equal(metadata.items[0].kind, "PartialObjectMetadata");
    assert.equal(metadata.items[0].spec, undefined);
    assert.equal(
      (await own.call("GET", all, { headers: { accept: "application/vnd.kubernetes.protobuf" } })).code,
      406,
    );
    assert.equal((await own.call("GET", `${all}?resourceVersion=99999999`)).code, 504);
    assert.equal((await own.call("GET", `${all}?resourceVersion=1&resourceVersionMatch=Exact`)).code, 410);
    assert.deepEqual(await names(`${all}?resourceVersion=0`), ["bank/b", "shop/a", "shop/c"]);
  }));

test("a watch gives what changes after its revision, as it fits the selector", () =>
  fresh(async (own) => {
    await own.call("POST", services, { body: virtualService("old", { labels: { on: "1" } }) });
    const list = (await own.call("GET", services)).json;
    const from = `${services}?watch=true&resourceVersion=${list.metadata.resourceVersion}`;
    const all = await own.watch(from);
    const selected = await own.watch(`${from}&labelSelector=on`);
    const headers = { "content-type": "application/merge-patch+json" };
    const label = (name: string, on: string | null) =>
      own.call("PATCH", `${services}/${name}`, { body: { metadata: { labels: { on } } }, headers });
    await own.call("POST", services, { body: virtualService("new") });
    await label("new", "1");
    await label("old", null);
    await own.call("DELETE", `${services}/new`);
    assert.deepEqual(await all.names(4), ["ADDED new", "MODIFIED new", "MODIFIED old", "DELETED new"]);
    assert.deepEqual(await selected.names(3), ["ADDED new", "DELETED old", "DELETED new"]);
    const revisions = all.events.map((event) => Number(event.object.metadata.resourceVersion));
    assert.ok(revisions.every((revision, index) => index === 0 || revision > (revisions[index - 1] ?? 0)));
    // From each of its events on, a watch goes on without loss.
    const resumed = await own.watch(`${services}?watch=1&resourceVersion=${revisions[1]}`);
    assert.deepEqual(await resumed.names(2), ["MODIFIED old", "DELETED new"]);
    for (const stream of [all, selected, resumed]) stream.close();
  }));

test("a watch without a revision, or one that asks for it, begins with what there is", () =>
  fresh(async (own) => {
    await own.call("POST", services, { body: virtualService("a") });
    const state = await own.watch(`${services}?watch=true`);
    assert.deepEqual(await state.names(1), ["ADDED a"]);
    const streaming = await own.watch(
      `${services}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`,
    );
    assert.deepEqual(await streaming.names(2), ["ADDED a", "BOOKMARK "]);
    assert.deepEqual(streaming.events[1]?.object.metadata.annotations, { "k8s.io/initial-events-end": "true" });
    const table = await own.watch(`${services}?watch=true`, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
    const first = await table.next();
    assert.equal(first?.object.kind, "Table");
    assert.equal(first?.object.columnDefinitions.length, 4);
    await own.call("POST", services, { body: virtualService("b") });
    assert.equal((await table.next())?.object.columnDefinitions, null);
    assert.deepEqual(await state.names(1), ["ADDED b"]);
    const one = await own.watch(`${services}/b?watch=true`);
    assert.deepEqual(await one.names(1), ["ADDED b"]);
    for (const stream of [state, streaming, table, one]) stream.close();
  }));

test("s4-too-old: a watch from a revision that is gone, or never was, is told to list again", async () => {
  const store = memoryStore();
  await store.reserveRevisions(100);
  await fresh(
    async (own) => {
      for (const revision of ["1", "99999999"]) {
        const stream = await own.watch(`${services}?watch=true&resourceVersion=${revision}`);
        const event = await stream.next();
        assert.equal(event?.type, "ERROR");
        assert.equal(event?.object.code, 410);
        assert.equal(await stream.next(), undefined);
      }
    },
    { store },
  );
});

test("objects of files are shown, and refuse changes with the place where to make them", () =>
  fresh(async (own) => {
    const key = {
      source: "Kubernetes",
      group: "networking.istio.io",
      kind: "VirtualService",
      namespace: "shop",
      name: "filed",
    };
    const filed: Config = {
      key,
      meta: { name: "filed", namespace: "shop" },
      spec: virtualService("filed").spec,
      origin: { file: "conf/shop.yaml", line: 12 },
    };
    own.files.set(fileKey(filed), filed);
    await own.api.view.settled();
    const shown = (await own.call("GET", `${services}/filed`)).json;
    assert.match(shown.metadata.uid, /^[0-9a-f-]{36}$/);
    assert.ok(Number(shown.metadata.resourceVersion) > 0);
    const headers = { "content-type": "application/merge-patch+json" };
    for (const answer of [
      await own.call("PUT", `${services}/filed`, { body: shown }),
      await own.call("PATCH", `${services}/filed`, { body: { metadata: { labels: { a: "b" } } }, headers }),
      await own.call("DELETE", `${services}/filed`),
    ]) {
      assert.equal(answer.code, 405);
      assert.equal(
        answer.json.message,
        'virtualservices.networking.istio.io "filed" is read-only: defined in conf/shop.yaml:12, change it there',
      );
    }
    const again = await own.call("POST", services, { body: virtualService("filed") });
    assert.equal(again.code, 409);
    assert.match(again.json.message, /already exists; defined in conf\/shop\.yaml:12/);
    await own.call("POST", services, { body: virtualService("stored") });
    const all = await own.call("DELETE", services);
    assert.equal(all.code, 200);
    assert.match(String(all.headers["warning"]), /filed.*read-only/);
    assert.deepEqual((await own.call("GET", services)).json.items.length, 1);
  }));

test("namespaces: implied, made explicit, and not taken away with what is in them", () =>
  fresh(async (own) => {
    const list = async (): Promise<string[]> =>
      (await own.call("GET", "/api/v1/namespaces")).json.items.map(
        (item: Json) => `${item.metadata.name} ${item.status.phase}`,
      );
    assert.deepEqual(await list(), ["default Active", "istio-system Active"]);
    await own.call("POST", services, { body: virtualService("a") });
    assert.deepEqual(await list(), ["default Active", "istio-system Active", "shop Active"]);
    assert.equal((await own.call("DELETE", "/api/v1/namespaces/shop")).code, 409);
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { a: "b" } } };
    assert.equal((await own.call("POST", "/api/v1/namespaces", { body })).code, 201);
    assert.equal((await own.call("DELETE", "/api/v1/namespaces/shop")).code, 409);
    await own.call("DELETE", `${services}/a`);
    assert.deepEqual(await list(), ["default Active", "istio-system Active", "shop Active"]);
    assert.equal((await own.call("DELETE", "/api/v1/namespaces/shop")).code, 200);
    assert.deepEqual(await list(), ["default Active", "istio-system Active"]);
    assert.equal((await own.call("DELETE", "/api/v1/namespaces/default")).code, 409);
    assert.equal((await own.call("DELETE", "/api/v1/namespaces")).code, 405);
  }));

test("status comes from the mesh, is merged on read, and reaches watches", () =>
  fresh(async (own) => {
    const spec = { hosts: ["a"], http: [{ delegate: { name: "x" } }] };
    const { json } = await own.call("POST", services, {
      body: { ...virtualService("s", { spec }), status: { lie: true } },
    });
    assert.equal(json.status.lie, undefined);
    const watch = await own.watch(`${services}?watch=true&resourceVersion=${json.metadata.resourceVersion}`);
    const key = "Kubernetes/networking.istio.io/VirtualService/shop/s";
    own.statuses.set(key, { conditions: [{ type: "Reconciled", status: "True" }], observedGeneration: 1 });
    const event = await watch.next();
    assert.equal(event?.type, "MODIFIED");
    assert.deepEqual(
      event?.object.status.conditions.map((condition: Json) => condition.type),
      ["CarriedOut", "Reconciled"],
    );
    watch.close();
    // The status moved the revision on, but nobody changed what the client read.
    const replaced = await own.call("PUT", `${services}/s`, { body: { ...json, spec: { ...spec, hosts: ["b"] } } });
    assert.equal(replaced.code, 200);
    assert.equal(replaced.json.status.observedGeneration, 1);
  }));

test("routes handed in are served, with their parameters, errors and bodies", () =>
  fresh(
    async (own) => {
      const answer = await own.call("POST", "/lateen/v1/namespaces/shop/machines/m%201/envoy/config_dump?include_eds", {
        body: { a: 1 },
      });
      assert.deepEqual(answer.json, {
        params: { namespace: "shop", name: "m 1", what: "config_dump" },
        rawQuery: "include_eds",
        body: { a: 1 },
        user: "admin",
      });
      assert.equal((await own.call("GET", "/lateen/v1/namespaces/shop/machines/m/envoy/a/b")).text, "a/b");
      assert.equal((await own.call("DELETE", "/lateen/v1/namespaces/shop/machines/m/envoy/a/b")).code, 405);
      assert.equal((await own.call("GET", "/lateen/v1/version")).json.trustDomain, "cluster.local");
      assert.equal((await own.call("GET", "/lateen/v1/none")).code, 404);
    },
    {
      extraRoutes: [
        {
          method: "POST",
          path: "/lateen/v1/namespaces/{namespace}/machines/{name}/envoy/{what*}",
          handler: async ({ params, rawQuery, json, identity }) => ({
            body: { params, rawQuery, body: await json(), user: identity.name },
          }),
        },
        {
          method: "GET",
          path: "/lateen/v1/namespaces/{namespace}/machines/{name}/envoy/{what*}",
          handler: async ({ params }) => ({ text: params["what"] ?? "", contentType: "text/plain" }),
        },
      ],
    },
  ));
