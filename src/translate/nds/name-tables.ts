// Encoded entries gathered into the name table. An entry is encoded once for all tables that it is in.
import { toBinary } from "@bufbuild/protobuf";
import { NameTableSchema } from "../../../gen/istio/networking/nds/v1/nds_pb.ts";
import { Fixed } from "../../collection/fixed.ts";
import type { CollectionNode } from "../../collection/node.ts";
import { concatBytes } from "../../kernel/bytes.ts";
import { contentHash } from "../../kernel/hash.ts";
import type { NameEntry } from "../../model/name-table-view.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { FragmentResource } from "../composed-resource.ts";
import { Compositions } from "../compositions.ts";
import type { InternedResources } from "../interned.ts";
import { buildNameTable } from "./name-table.ts";

/** Name of the one NameTable resource. */
const nameTableName = "mesh";

/** A table of one entry, encoded: protobuf messages are merged by putting them together. */
export interface EncodedName {
  /** The host. */
  readonly position: string;
  readonly version: string;
  readonly body: Uint8Array;
}

export function encodeName(entry: NameEntry): EncodedName {
  const body = toBinary(NameTableSchema, buildNameTable([entry]));
  return { position: entry.host, version: contentHash(body), body };
}

/** Stands first in every table, so that there is one where nobody has a name. */
export const noName: EncodedName = { position: "", version: "", body: new Uint8Array() };

export class NameTables extends Compositions<EncodedName, EncodedName> {
  /** @param from `noName` among them */
  constructor(name: string, from: CollectionNode<EncodedName>, interned: InternedResources) {
    super({
      name,
      from,
      place: (each) => ({ resource: nameTableName, position: each.position, part: each }),
      last: new Fixed<EncodedName>(from.graph, `${name}-end`, []),
      compose: (table, names) => {
        const version = contentHash(names.map((each) => each.version).join(" "));
        const compose = (): Uint8Array => concatBytes(names.map(({ body }) => body));
        return interned.share(new FragmentResource({ typeUrl: typeUrls.nameTable, name: table, version, compose }, []));
      },
    });
  }
}
