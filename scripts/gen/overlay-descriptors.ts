// Compiles the overlay .proto files of this repository to FileDescriptorProtos (proto3, without options).
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FieldDescriptorProto_Type as FieldType,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import protobuf from "protobufjs";

const scalars: Record<string, FieldType> = {
  double: FieldType.DOUBLE,
  float: FieldType.FLOAT,
  int64: FieldType.INT64,
  uint64: FieldType.UINT64,
  int32: FieldType.INT32,
  uint32: FieldType.UINT32,
  bool: FieldType.BOOL,
  string: FieldType.STRING,
  bytes: FieldType.BYTES,
};

/** Full names of every message (`m`) and enum (`e`), without the leading dot. */
type Names = ReadonlyMap<string, "m" | "e">;

/** One descriptor per .proto below `root`; `known` are the files whose types the overlays may use. */
export function readOverlayDescriptors(root: string, known: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const sources = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".proto"))
    .sort()
    .map((path) => ({ path, parsed: parseOverlay(readFileSync(join(root, path), "utf8")) }));
  const names = new Map<string, "m" | "e">();
  for (const file of known) collectKnown(file.package, file, names);
  for (const { parsed } of sources) collectParsed(parsed.space, parsed.package, names);
  return sources.map(({ path, parsed }) => describeFile(path, parsed, names));
}

interface Overlay {
  package: string;
  imports: string[];
  space: protobuf.NamespaceBase;
}

function parseOverlay(text: string): Overlay {
  const parsed = protobuf.parse(text, new protobuf.Root(), { keepCase: true });
  const name = parsed.package ?? "";
  const space = parsed.root.lookup(name);
  if (!(space instanceof protobuf.Namespace)) throw new TypeError(`overlay package ${name} holds nothing`);
  return { package: name, imports: parsed.imports ?? [], space };
}

function collectKnown(
  prefix: string,
  scope: { messageType?: DescriptorProto[]; nestedType?: DescriptorProto[]; enumType: { name: string }[] },
  names: Map<string, "m" | "e">,
): void {
  for (const type of scope.enumType) names.set(`${prefix}.${type.name}`, "e");
  for (const type of scope.messageType ?? scope.nestedType ?? []) {
    names.set(`${prefix}.${type.name}`, "m");
    collectKnown(`${prefix}.${type.name}`, type, names);
  }
}

function collectParsed(space: protobuf.NamespaceBase, prefix: string, names: Map<string, "m" | "e">): void {
  for (const child of space.nestedArray) {
    if (child instanceof protobuf.Enum) names.set(`${prefix}.${child.name}`, "e");
    if (child instanceof protobuf.Type) {
      names.set(`${prefix}.${child.name}`, "m");
      collectParsed(child, `${prefix}.${child.name}`, names);
    }
  }
}

function describeFile(path: string, overlay: Overlay, names: Names): FileDescriptorProto {
  const children = overlay.space.nestedArray;
  return create(FileDescriptorProtoSchema, {
    name: path,
    package: overlay.package,
    dependency: overlay.imports,
    syntax: "proto3",
    messageType: children
      .filter((child) => child instanceof protobuf.Type)
      .map((type) => describeType(type, overlay.package, names)),
    enumType: children.filter((child) => child instanceof protobuf.Enum).map(describeEnum),
    service: children
      .filter((child) => child instanceof protobuf.Service)
      .map((service) =>
        create(ServiceDescriptorProtoSchema, {
          name: service.name,
          method: service.methodsArray.map((method) => ({
            name: method.name,
            inputType: resolveName(method.requestType, overlay.package, names),
            outputType: resolveName(method.responseType, overlay.package, names),
            clientStreaming: method.requestStream === true,
            serverStreaming: method.responseStream === true,
          })),
        }),
      ),
  });
}

function describeEnum(type: protobuf.Enum) {
  return create(EnumDescriptorProtoSchema, {
    name: type.name,
    value: Object.entries(type.values).map(([name, number]) => ({ name, number })),
  });
}

function describeType(type: protobuf.Type, prefix: string, names: Names): DescriptorProto {
  const full = `${prefix}.${type.name}`;
  const oneofs = type.oneofsArray.map((oneof) => oneof.name);
  const nested = type.nestedArray.filter((child) => child instanceof protobuf.Type);
  const maps: DescriptorProto[] = [];
  const fields = type.fieldsArray.map((field) => {
    const described = describeField(field, full, names);
    if (field instanceof protobuf.MapField) {
      const entry = `${camelCase(field.name, true)}Entry`;
      maps.push(
        create(DescriptorProtoSchema, {
          name: entry,
          options: { mapEntry: true },
          field: [
            { name: "key", number: 1, label: Label.OPTIONAL, type: scalars[field.keyType] as FieldType },
            { ...described, name: "value", number: 2, label: Label.OPTIONAL },
          ],
        }),
      );
      Object.assign(described, { type: FieldType.MESSAGE, typeName: `.${full}.${entry}`, label: Label.REPEATED });
    }
    const oneof = field.partOf === null ? -1 : oneofs.indexOf(field.partOf.name);
    if (oneof >= 0) described.oneofIndex = oneof;
    if (field.options?.["proto3_optional"] === true) described.proto3Optional = true;
    return described;
  });
  return create(DescriptorProtoSchema, {
    name: type.name,
    field: fields,
    nestedType: [...nested.map((child) => describeType(child, full, names)), ...maps],
    enumType: type.nestedArray.filter((child) => child instanceof protobuf.Enum).map(describeEnum),
    oneofDecl: oneofs.map((name) => ({ name })),
  });
}

function describeField(field: protobuf.Field, scope: string, names: Names): FieldDescriptorProto {
  const scalar = scalars[field.type];
  const typeName = scalar === undefined ? resolveName(field.type, scope, names) : "";
  return create(FieldDescriptorProtoSchema, {
    name: field.name,
    number: field.id,
    label: field.repeated ? Label.REPEATED : Label.OPTIONAL,
    type: scalar ?? (names.get(typeName.slice(1)) === "e" ? FieldType.ENUM : FieldType.MESSAGE),
    ...(typeName === "" ? {} : { typeName }),
  });
}

/** Resolves a type name as protoc does: innermost scope first. The result starts with a dot. */
function resolveName(name: string, scope: string, names: Names): string {
  if (name.startsWith(".")) return name;
  for (let outer = scope; ; outer = outer.slice(0, Math.max(0, outer.lastIndexOf(".")))) {
    const candidate = outer === "" ? name : `${outer}.${name}`;
    if (names.has(candidate)) return `.${candidate}`;
    if (outer === "") throw new TypeError(`overlay .proto: type ${name} used in ${scope} is unknown`);
  }
}

/** protoc's JSON name of a field: `max_counters` becomes `maxCounters`. */
export function camelCase(name: string, upperFirst = false): string {
  const camel = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return upperFirst ? camel.charAt(0).toUpperCase() + camel.slice(1) : camel;
}
