// ServiceEntry.spec.addresses, ServiceEntry.spec.hosts → istio.networking.nds.v1.NameTable.table
import { create } from "@bufbuild/protobuf";
import { type NameTable, NameTableSchema } from "../../../gen/istio/networking/nds/v1/nds_pb.ts";
import type { NameEntry } from "../../model/name-table-view.ts";

/** @param entries in order of host, so that equal tables have equal bytes */
export function buildNameTable(entries: readonly NameEntry[]): NameTable {
  return create(NameTableSchema, {
    table: Object.fromEntries(
      entries.map(({ host, ips, shortname, namespace }) => [
        host,
        { ips: [...ips], registry: "External", shortname, namespace },
      ]),
    ),
  });
}
