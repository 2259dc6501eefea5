import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { decodeBytesLiteral, readWheelDescriptors } from "./wheel-descriptors.ts";

/** The body of a Python bytes literal, as protoc writes it. */
function literal(bytes: Uint8Array, style: "hex" | "octal"): string {
  const named: Record<number, string> = { 9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\" };
  return Array.from(bytes, (byte) => {
    const plain = byte >= 32 && byte < 127 ? String.fromCharCode(byte) : undefined;
    const coded =
      style === "hex" ? `\\x${byte.toString(16).padStart(2, "0")}` : `\\${byte.toString(8).padStart(3, "0")}`;
    return named[byte] ?? plain ?? coded;
  }).join("");
}

suite("decodeBytesLiteral", () => {
  for (const style of ["hex", "octal"] as const) {
    test(`reads every byte, ${style} escapes`, () => {
      fc.assert(
        fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(decodeBytesLiteral(literal(bytes, style)), bytes)),
      );
    });
  }

  test("ends an octal escape after three digits, or at the first other character", () => {
    assert.deepEqual([...decodeBytesLiteral("\\0011\\08\\7\\12x")], [1, 49, 0, 56, 7, 10, 120]);
  });
});

suite("readWheelDescriptors", () => {
  test("finds the descriptor in each module, and passes over the others", () => {
    const folder = mkdtempSync(join(tmpdir(), "lateen-descriptors-"));
    try {
      mkdirSync(join(folder, "envoy/type"), { recursive: true });
      const file = create(FileDescriptorProtoSchema, { name: "envoy/type/it's.proto", package: "envoy.type" });
      const body = literal(toBinary(FileDescriptorProtoSchema, file), "octal");
      const module = `DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(b'${body}')\n`;
      writeFileSync(join(folder, "envoy/type/its_pb2.py"), module);
      writeFileSync(join(folder, "envoy/type/its_pb2_grpc.py"), module);
      writeFileSync(join(folder, "envoy/__init__.py"), "");
      const names = readWheelDescriptors(folder).map((descriptor) => descriptor.name);
      assert.deepEqual(names, ["envoy/type/it's.proto"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
