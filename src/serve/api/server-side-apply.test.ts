import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fieldSet, fieldsOf, formatField, readFieldsV1, writeFieldsV1 } from "./field-set.ts";
import type { JsonObject } from "./json-tree.ts";
import {
  type Author,
  type ManagedFields,
  ownersAfterUpdate,
  readManagedFields,
  writeManagedFields,
} from "./managed-fields.ts";
import { applyConfiguration } from "./server-side-apply.ts";

const by = (manager: string, time = "2026-01-01T00:00:00Z"): Author => ({ manager, apiVersion: "g/v1", time });

/** Applies one after the other, as the API does. */
class Live {
  object: JsonObject | undefined;
  owners: ManagedFields[] = [];

  apply(manager: string, configuration: JsonObject, force = false): string[] {
    const applied = applyConfiguration(this.object, this.owners, configuration, by(manager), force);
    if (applied.outcome === "conflict") return applied.causes.map(({ field, message }) => `${field} ${message}`);
    this.object = applied.object;
    this.keep(applied.owners);
    return [];
  }

  /** As it would be stored and read again. */
  private keep(owners: readonly ManagedFields[]): void {
    this.owners = readManagedFields(JSON.parse(JSON.stringify(writeManagedFields(owners)))) ?? [];
  }

  update(manager: string, object: JsonObject): void {
    this.keep(ownersAfterUpdate(this.owners, this.object, object, by(manager)));
    this.object = object;
  }

  get fields(): Record<string, string[]> {
    return Object.fromEntries(
      this.owners.map(({ manager, operation, fields }) => [
        `${manager} ${operation}`,
        [...fields.values()].map(formatField).sort(),
      ]),
    );
  }
}

test("FieldsV1 is written as Kubernetes writes it, and read back", () => {
  const fields = fieldsOf({ metadata: { labels: { "a.b/c": "1" } }, spec: { hosts: ["x"], tls: {}, http: [{}] } });
  const written = {
    "f:metadata": { "f:labels": { "f:a.b/c": {} } },
    "f:spec": { "f:hosts": {}, "f:http": {}, "f:tls": {} },
  };
  assert.deepEqual(writeFieldsV1(fields), written);
  assert.deepEqual([...readFieldsV1(written).keys()].sort(), [...fields.keys()].sort());
  const foreign = { "f:spec": { ".": {}, "f:list": { 'k:{"name":"a"}': { ".": {}, "f:name": {} } } } };
  assert.deepEqual(writeFieldsV1(readFieldsV1(foreign)), foreign);
});

test("any set of fields survives writing and reading", () => {
  const element = fc.constantFrom("f:a", "f:b", 'f:c"d', "f:e.f/g", 'k:{"n":1}');
  const paths = fc.array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 8 });
  fc.assert(
    fc.property(paths, (list) => {
      const set = fieldSet(list);
      assert.deepEqual([...readFieldsV1(writeFieldsV1(set)).keys()].sort(), [...set.keys()].sort());
    }),
    { numRuns: 1000 },
  );
});

test("a manager keeps exactly the fields it applies", () => {
  const live = new Live();
  live.apply("a", { metadata: { labels: { x: "1", y: "2" } }, spec: { hosts: ["h"], gateways: ["g"] } });
  assert.deepEqual(live.object, { metadata: { labels: { x: "1", y: "2" } }, spec: { hosts: ["h"], gateways: ["g"] } });
  live.apply("a", { metadata: { labels: { x: "1" } }, spec: { hosts: ["h2"] } });
  assert.deepEqual(live.object, { metadata: { labels: { x: "1" } }, spec: { hosts: ["h2"] } });
  live.apply("a", { spec: { hosts: ["h2"] } });
  assert.deepEqual(live.object, { spec: { hosts: ["h2"] } });
  assert.deepEqual(live.fields, { "a Apply": [".spec.hosts"] });
});

test("fields of others stay, and those that two own stay until both let go", () => {
  const live = new Live();
  live.apply("a", { spec: { hosts: ["h"], gateways: ["g"] } });
  assert.deepEqual(live.apply("b", { metadata: { labels: { b: "1" } }, spec: { hosts: ["h"] } }), []);
  live.apply("a", { spec: { gateways: ["g"] } });
  assert.deepEqual(live.object, { metadata: { labels: { b: "1" } }, spec: { hosts: ["h"], gateways: ["g"] } });
  live.apply("b", { metadata: { labels: { b: "1" } } });
  assert.deepEqual(live.object, { metadata: { labels: { b: "1" } }, spec: { gateways: ["g"] } });
});

test("a field that another wants otherwise is a conflict, unless forced", () => {
  const live = new Live();
  live.apply("a", { spec: { hosts: ["h"], gateways: ["g"] } });
  const object = live.object;
  assert.deepEqual(live.apply("b", { spec: { hosts: ["other"] } }), ['.spec.hosts conflict with "a" (g/v1)']);
  assert.equal(live.object, object);
  assert.deepEqual(live.apply("b", { spec: { hosts: ["other"] } }, true), []);
  assert.deepEqual(live.object, { spec: { hosts: ["other"], gateways: ["g"] } });
  assert.deepEqual(live.fields, { "a Apply": [".spec.gateways"], "b Apply": [".spec.hosts"] });
  assert.deepEqual(live.apply("a", { spec: { hosts: ["h"] } }), ['.spec.hosts conflict with "b" (g/v1)']);
});

test("an update takes what it changes and nothing else", () => {
  const live = new Live();
  live.apply("a", { metadata: { labels: { x: "1" } }, spec: { hosts: ["h"], gateways: ["g"] } });
  live.update("edit", { metadata: { labels: { x: "1" } }, spec: { hosts: ["changed"], exportTo: ["."] } });
  assert.deepEqual(live.fields, {
    "a Apply": [".metadata.labels.x"],
    "edit Update": [".spec.exportTo", ".spec.hosts"],
  });
  assert.deepEqual(live.apply("a", { spec: { hosts: ["h"] } }), [
    '.spec.hosts conflict with "edit" using Update (g/v1)',
  ]);
  live.update("edit", { spec: { hosts: ["changed"] } });
  assert.deepEqual(live.fields, { "edit Update": [".spec.hosts"] });
  const { fields } = live;
  live.update("nobody", { spec: { hosts: ["changed"] } });
  assert.deepEqual(live.fields, fields);
});

test("owning a whole and owning a part meet", () => {
  const live = new Live();
  live.apply("a", { spec: { tls: {} } });
  assert.deepEqual(live.apply("b", { spec: { tls: { mode: "SIMPLE" } } }), []);
  assert.deepEqual(live.object, { spec: { tls: { mode: "SIMPLE" } } });
  assert.deepEqual(live.apply("c", { spec: { tls: [] } }), [
    '.spec.tls conflict with "a" (g/v1)',
    '.spec.tls conflict with "b" (g/v1)',
  ]);
});

test("applying the same again changes nothing, not even a time", () => {
  const live = new Live();
  live.apply("a", { spec: { hosts: ["h"] } });
  const again = applyConfiguration(
    live.object,
    live.owners,
    { spec: { hosts: ["h"] } },
    by("a", "2030-01-01T00:00:00Z"),
    false,
  );
  assert.ok(again.outcome === "merged");
  assert.deepEqual(again.object, live.object);
  assert.deepEqual(again.owners, live.owners);
});

test("kubectl takes over from its own client-side apply what nobody has changed since", () => {
  const key = "kubectl.kubernetes.io/last-applied-configuration";
  const last = { spec: { hosts: ["h"], gateways: ["g"] } };
  const make = (): Live => {
    const live = new Live();
    live.update("kubectl-client-side-apply", { metadata: { annotations: { [key]: JSON.stringify(last) } }, ...last });
    return live;
  };
  const conflict = ['.spec.hosts conflict with "kubectl-client-side-apply" using Update (g/v1)'];
  assert.deepEqual(make().apply("kubectl", { spec: { hosts: ["new"] } }), []);
  assert.deepEqual(make().apply("other", { spec: { hosts: ["new"] } }), conflict);
  const edited = make();
  edited.update("edit", { ...edited.object, spec: { hosts: ["edited"], gateways: ["g"] } });
  assert.equal(edited.apply("kubectl", { spec: { hosts: ["new"] } }).length, 1);
});

test("managers of updates are bounded, and what they own is kept", () => {
  const live = new Live();
  for (let index = 0; index < 30; index++) {
    const spec = Object.fromEntries(Array.from({ length: index + 1 }, (_, field) => [`f${field}`, 1]));
    live.owners = ownersAfterUpdate(
      live.owners,
      live.object,
      { spec },
      by(`m${index}`, `2026-01-01T00:00:${String(index).padStart(2, "0")}Z`),
    );
    live.object = { spec };
    live.owners = readManagedFields(writeManagedFields(live.owners)) ?? [];
  }
  assert.equal(live.owners.length, 10);
  assert.equal(live.owners.flatMap(({ fields }) => [...fields.keys()]).length, 30);
  assert.equal(live.fields["ancient-changes Update"]?.length, 21);
});

test("after an apply every field of the configuration is in the object, whatever came before", () => {
  const value = fc.oneof(fc.constantFrom(1, "a", true), fc.array(fc.constantFrom(1, 2), { maxLength: 2 }));
  const spec = fc.dictionary(
    fc.constantFrom("a", "b", "c"),
    fc.oneof(value, fc.dictionary(fc.constantFrom("x", "y"), value)),
  );
  const step = fc.record({
    manager: fc.constantFrom("m1", "m2", "m3"),
    spec,
    force: fc.boolean(),
    update: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const live = new Live();
      for (const { manager, spec: wanted, force, update } of steps) {
        if (update) live.update(manager, { spec: wanted });
        else if (live.apply(manager, { spec: wanted }, force).length > 0) continue;
        for (const path of fieldsOf({ spec: wanted }).values()) {
          if (path.length < 2) continue;
          let found: unknown = live.object;
          for (const element of path) found = (found as JsonObject | undefined)?.[element.slice(2)];
          assert.notEqual(found, undefined);
        }
        // Every field has an owner, and no owner owns what is not there.
        const present = new Set([...fieldsOf(live.object ?? {}).values()].map(formatField));
        const owned = new Set(Object.values(live.fields).flat());
        for (const field of present) assert.ok(owned.has(field) || field === ".spec", field);
      }
    }),
    { numRuns: 500 },
  );
});
