import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeYaml, objectLimit, textLimit } from "./decode-yaml.ts";

const entry = (name: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata:\n  name: ${name}\nspec:\n  address: 10.0.0.1\n`;

function names(text: string): string[] {
  return decodeYaml(text).objects.map(({ object }) => `${object.metadata.namespace}/${object.metadata.name}`);
}

test("objects carry kind, namespace and where they come from", () => {
  const text = `# licence\n---\n${entry("a")}---\n${entry("b").replace("name: b", "name: b\n  namespace: shop")}`;
  const { objects, problems } = decodeYaml(text, { file: "mesh.yaml", defaultNamespace: "prod" });
  assert.deepEqual(problems, []);
  assert.deepEqual(
    objects.map(({ kind, object, origin }) => [kind.kind, object.metadata.namespace, object.metadata.name, origin]),
    [
      ["WorkloadEntry", "prod", "a", { file: "mesh.yaml", line: 3 }],
      ["WorkloadEntry", "shop", "b", { file: "mesh.yaml", line: 10 }],
    ],
  );
});

test("lines are found for fields, else for their nearest parent", () => {
  const [decoded] = decodeYaml(`---\n${entry("a")}  labels: {\n    app.kubernetes.io/name: x}\n`).objects;
  assert.equal(decoded?.lineOf("spec.address"), 7);
  assert.equal(decoded?.lineOf('spec.labels["app.kubernetes.io/name"]'), 9);
  assert.equal(decoded?.lineOf("spec.labels.nope"), 8);
  assert.equal(decoded?.lineOf("spec.ports[0].number"), 6);
  assert.equal(decoded?.lineOf(""), 2);
  assert.equal(decoded?.lineOf("not a path"), undefined);
});

test("a broken document does not take its neighbours with it", () => {
  const broken = 'a: "never closed\n  b: [\n';
  const { objects, problems } = decodeYaml(`${entry("a")}---\n${broken}---\n${entry("b")}`, { file: "f.yaml" });
  assert.deepEqual(
    objects.map(({ object }) => object.metadata.name),
    ["a", "b"],
  );
  assert.ok(problems.length >= 1);
  for (const problem of problems) {
    assert.equal(problem.code, "LAT1001");
    assert.equal(problem.file, "f.yaml");
    assert.ok((problem.line ?? 0) >= 7 && (problem.line ?? 0) <= 10, `line ${problem.line}`);
  }
});

test("lists are flattened, with lines of their items", () => {
  const items = [entry("a"), entry("b")].map((text) => `- ${text.trimEnd().replaceAll("\n", "\n  ")}\n`).join("");
  const { objects, problems } = decodeYaml(`apiVersion: v1\nkind: List\nitems:\n${items}`);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    objects.map(({ object, origin, lineOf }) => [object.metadata.name, origin.line, lineOf("spec.address")]),
    [
      ["a", 4, 9],
      ["b", 10, 15],
    ],
  );
});

test("JSON is read too: one object, a typed list, several in a row", () => {
  const object = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "WorkloadEntry",
    metadata: { name: "a" },
    spec: {},
  };
  const list = { apiVersion: "networking.istio.io/v1", kind: "WorkloadEntryList", items: [object] };
  assert.deepEqual(names(JSON.stringify(object)), ["default/a"]);
  assert.deepEqual(names(JSON.stringify(list, undefined, 1)), ["default/a"]);
  assert.deepEqual(names(JSON.stringify(object).repeat(3)), ["default/a", "default/a", "default/a"]);
  const [problem] = decodeYaml(`{"a": 1,\n "a": 2}`).problems;
  assert.deepEqual([problem?.code, problem?.line], ["LAT1001", 2]);
});

test("YAML's flow maps with quoted keys are not taken for broken JSON", () => {
  const text = `{"apiVersion": networking.istio.io/v1, "kind": WorkloadEntry, "metadata": {"name": a}}`;
  assert.deepEqual(names(text), ["default/a"]);
});

test("an unknown kind or version is named, with what it may have meant", () => {
  const problemOf = (text: string) => decodeYaml(text).problems[0];
  const kind = problemOf(entry("a").replace("WorkloadEntry", "WorkloadEnrty"));
  assert.deepEqual([kind?.code, kind?.line, kind?.remedy], ["LAT1008", 2, "Did you mean WorkloadEntry?"]);
  const version = problemOf(entry("a").replace("io/v1", "io/v2"));
  assert.equal(version?.code, "LAT1008");
  assert.match(version?.remedy ?? "", /networking\.istio\.io\/v1, networking\.istio\.io\/v1beta1/);
});

test("metadata whose types do not hold keeps an object out", () => {
  const found = (metadata: string) =>
    decodeYaml(`apiVersion: v1\nkind: Namespace\nmetadata: ${metadata}\n`).problems.map(({ code, path }) => [
      code,
      path,
    ]);
  assert.deepEqual(found("{name: a}"), []);
  assert.deepEqual(found("{name: 5}"), [["LAT1003", "metadata.name"]]);
  assert.deepEqual(found("{}"), [["LAT1006", "metadata.name"]]);
  assert.deepEqual(found("[a]"), [["LAT1003", "metadata"]]);
  assert.deepEqual(found("{name: a, labels: {v: 1}}"), [["LAT1003", "metadata.labels.v"]]);
  assert.deepEqual(found("{name: a, labels: {v: }, annotations: }"), []);
  assert.deepEqual(found("{name: a, lables: {}}"), [["LAT1002", "metadata.lables"]]);
  assert.deepEqual(found("{name: a, constructor: {}}"), [["LAT1002", "metadata.constructor"]]);
  assert.deepEqual(found("{name: a, creationTimestamp: null}"), []);
});

test("what is no object is said so", () => {
  for (const text of ["5", "- a", "text", "{}", "kind: 5"]) {
    const { objects, problems } = decodeYaml(text);
    assert.deepEqual(objects, []);
    assert.ok(problems.length > 0, text);
  }
  assert.deepEqual(decodeYaml("").problems, []);
  assert.deepEqual(decodeYaml("# nothing\n---\n").problems, []);
});

test("a text beyond the limits is refused or cut, and says so", () => {
  const long = decodeYaml(`${entry("a")}#${"x".repeat(textLimit)}`);
  assert.deepEqual([long.objects.length, long.problems[0]?.code], [0, "LAT1011"]);
  const item = { apiVersion: "v1", kind: "Namespace", metadata: { name: "a" } };
  const many = decodeYaml(JSON.stringify({ kind: "List", items: Array(objectLimit + 5).fill(item) }));
  assert.deepEqual([many.objects.length, many.problems.length, many.problems[0]?.code], [objectLimit, 1, "LAT1011"]);
});

test("any damage to a document is answered, quickly, and never thrown", () => {
  const seed = `${entry("a")}  labels: &l {app: "x", 'v': 1}\n  ports: {http: 80}\n---\n# c\n${entry("b")}  labels: *l\n`;
  const junk = [
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*l",
    "!!x ",
    "|",
    ">",
    "---\n",
    "...\n",
    "\t",
    "\0",
    "\uFEFF",
    '"',
    "'",
    "#",
    "?",
    ": ",
  ];
  const piece = fc.oneof(
    fc.constantFrom(
      ...junk,
      "- ",
      "\n",
      "\r\n",
      "  ",
      "<<: ",
      "%YAML 1.1\n",
      "__proto__",
      "\ud800",
      "{".repeat(99),
      "é",
    ),
    fc.string({ maxLength: 4 }),
  );
  const edit = fc.record({
    at: fc.nat(seed.length),
    remove: fc.nat(12),
    insert: piece,
    times: fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 200),
  });
  let slowestMs = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = seed;
      for (const { at, remove, insert, times } of edits) {
        text = text.slice(0, at) + insert.repeat(times) + text.slice(at + remove);
      }
      const start = performance.now();
      const { objects, problems } = decodeYaml(text);
      slowestMs = Math.max(slowestMs, performance.now() - start);
      const lines = text.split("\n").length;
      for (const { line } of problems) assert.ok(line !== undefined && line >= 1 && line <= lines);
      for (const { origin } of objects) assert.ok(origin.line >= 1 && origin.line <= lines);
    }),
    { numRuns: 10_000 },
  );
  // A watchdog, not a measurement: these texts take milliseconds, and a second means work out of proportion.
  assert.ok(slowestMs < 1000, `${slowestMs} ms for one text`);
});
