// Overlay .proto files compiled by our own compiler: the bytes of a message are those of the protobuf encoding.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, suite, test } from "node:test";
import { create, createFileRegistry, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, file_google_protobuf_wrappers } from "@bufbuild/protobuf/wkt";
import { camelCase, readOverlayDescriptors } from "./overlay-descriptors.ts";

const folder = mkdtempSync(join(tmpdir(), "lateen-overlay-"));
after(() => rmSync(folder, { recursive: true }));

/** Compiles the given files, each in a folder of its own for each call. */
let calls = 0;
function compile(files: Record<string, string>) {
  const root = join(folder, String(calls++));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const known = [file_google_protobuf_wrappers.proto];
  const overlays = readOverlayDescriptors(root, known);
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...known, ...overlays] }));
}

const shapes = {
  "test/base.proto": `
    syntax = "proto3";
    package test;
    enum Mode { NONE = 0; STRICT = 5; }
  `,
  "test/inner/shape.proto": `
    syntax = "proto3";
    package test.inner;
    import "test/base.proto";
    import "google/protobuf/wrappers.proto";
    message Shape {
      message Part { uint32 size = 1; }
      enum Kind { UNKNOWN = 0; ROUND = 1; }
      string long_name = 1;
      repeated int32 numbers = 2;
      map<string, Part> parts = 3;
      oneof value { bool flag = 4; Part part = 5; }
      optional uint64 count = 6;
      google.protobuf.UInt32Value limit = 7;
      Mode mode = 8;
      Kind kind = 9;
      repeated Part list = 10;
      map<int32, string> names = 11;
      double ratio = 12;
    }
    service Shapes { rpc Watch(stream Shape) returns (stream test.inner.Shape.Part); }
  `,
};

suite("readOverlayDescriptors", () => {
  const registry = compile(shapes);
  const shape = registry.getMessage("test.inner.Shape");

  const cases: [name: string, json: JsonValue, hex: string][] = [
    ["a string", { long_name: "a" }, "0a0161"],
    ["a packed list", { numbers: [1, -1] }, "120b01ffffffffffffffffff01"],
    ["a map of messages", { parts: { k: { size: 7 } } }, "1a070a016b12020807"],
    ["a oneof", { flag: false }, "2000"],
    ["a message of a oneof", { part: {} }, "2a00"],
    ["an optional zero", { count: "0" }, "3000"],
    ["a wrapper", { limit: 3 }, "3a020803"],
    ["an enum of an outer package", { mode: "STRICT" }, "4005"],
    ["a nested enum", { kind: "ROUND" }, "4801"],
    ["a list of messages", { list: [{}, { size: 1 }] }, "520052020801"],
    ["a map with number keys", { names: { "2": "b" } }, "5a050802120162"],
    ["a double", { ratio: 1 }, "61000000000000f03f"],
  ];
  for (const [name, json, hex] of cases) {
    test(name, () => {
      assert.ok(shape !== undefined);
      assert.equal(Buffer.from(toBinary(shape, fromJson(shape, json))).toString("hex"), hex);
    });
  }

  test("a service and its streams", () => {
    const [method] = registry.getService("test.inner.Shapes")?.methods ?? [];
    assert.equal(method?.methodKind, "bidi_streaming");
    assert.deepEqual([method?.input.typeName, method?.output.typeName], ["test.inner.Shape", "test.inner.Shape.Part"]);
  });

  test("a type that nobody defines is refused by its name", () => {
    const files = { "a.proto": 'syntax = "proto3"; package a; message M { Missing field = 1; }' };
    assert.throws(() => compile(files), /type Missing used in a\.M is unknown/);
  });

  test("a scalar that the compiler does not know is refused, not taken for a message", () => {
    const files = { "a.proto": 'syntax = "proto3"; package a; message M { sfixed64 field = 1; }' };
    assert.throws(() => compile(files), /sfixed64/);
  });

  test("the innermost type of a name counts, as for protoc", () => {
    const found = compile({
      "a.proto": `syntax = "proto3"; package a;
        message X { string outer = 1; }
        message M { message X { string inner = 1; } X field = 1; .a.X top = 2; }`,
    }).getMessage("a.M");
    assert.deepEqual(
      found?.fields.map((field) => field.message?.typeName),
      ["a.M.X", "a.X"],
    );
  });
});

suite("camelCase", () => {
  test("is protoc's JSON name", () => {
    assert.deepEqual(
      ["max_counters", "a", "a_b_c", "http2_options"].map((name) => camelCase(name)),
      ["maxCounters", "a", "aBC", "http2Options"],
    );
    assert.equal(camelCase("parts_by_name", true), "PartsByName");
  });
});
