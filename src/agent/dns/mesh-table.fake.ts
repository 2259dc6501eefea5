// A small mesh's names.
import { create } from "@bufbuild/protobuf";
import {
  type NameTable,
  NameTable_NameInfoSchema,
  NameTableSchema,
} from "../../../gen/istio/networking/nds/v1/nds_pb.ts";
import { compileNameTable, type NameLookup } from "./name-table.ts";

/** `reviews` and `ratings` of the namespace `shop`, a headless `many` of 100 addresses, and two names outside. */
export function meshTable(): NameTable {
  const local = (shortname: string, ips: string[]) =>
    [
      `${shortname}.shop.svc.cluster.local`,
      create(NameTable_NameInfoSchema, { ips, shortname, namespace: "shop", registry: "Kubernetes" }),
    ] as const;
  const outside = (host: string, ips: string[]) => [host, create(NameTable_NameInfoSchema, { ips })] as const;
  return create(NameTableSchema, {
    table: Object.fromEntries([
      local("reviews", ["10.0.0.1", "10.0.0.2", "fd00::1"]),
      local("ratings", ["10.0.0.3"]),
      local(
        "many",
        Array.from({ length: 100 }, (_, i) => `10.1.0.${i + 1}`),
      ),
      outside("api.example.com", ["240.240.0.1"]),
      outside("*.wild.example.com", ["240.240.0.2"]),
    ]),
  });
}

export function meshLookup(): NameLookup {
  return compileNameTable(meshTable(), { namespace: "shop", domainSuffix: "cluster.local" });
}
