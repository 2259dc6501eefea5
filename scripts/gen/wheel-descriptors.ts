// Reads the FileDescriptorProtos that protoc embeds as Python byte literals in the modules of a wheel.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

const simpleEscapes: Record<string, number> = {
  n: 10,
  r: 13,
  t: 9,
  "\\": 92,
  "'": 39,
  '"': 34,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
};

/** Decodes the body of a Python `b'…'` literal (Python language reference, 2.4.1.1). */
export function decodeBytesLiteral(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char !== 92) {
      out[length++] = char;
      continue;
    }
    const next = text[++i] ?? "";
    if (next === "x") {
      out[length++] = Number.parseInt(text.slice(i + 1, i + 3), 16);
      i += 2;
    } else if (next >= "0" && next <= "7") {
      const digits = /^[0-7]{1,3}/.exec(text.slice(i, i + 3))?.[0] ?? "";
      out[length++] = Number.parseInt(digits, 8);
      i += digits.length - 1;
    } else {
      out[length++] = simpleEscapes[next] ?? next.charCodeAt(0);
    }
  }
  return out.subarray(0, length);
}

/** All v3 descriptors below `root`, the unpacked wheel. */
export function readWheelDescriptors(root: string): FileDescriptorProto[] {
  const files: FileDescriptorProto[] = [];
  for (const entry of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith("_pb2.py")) continue;
    const source = readFileSync(join(root, entry), "utf8");
    const literal = /AddSerializedFile\(b'((?:[^'\\]|\\.)*)'\)/s.exec(source)?.[1];
    if (literal !== undefined) files.push(fromBinary(FileDescriptorProtoSchema, decodeBytesLiteral(literal)));
  }
  return files;
}
