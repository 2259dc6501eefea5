// Random changes of what MeshConfig says: one or two settings beside the defaults.
import fc from "fast-check";
import { defaultMeshSettings, type MeshSettings } from "../model/mesh-settings.ts";
import { some } from "./random-names.fake.ts";

const changes: readonly Partial<MeshSettings>[] = [
  { outboundTrafficPolicy: "REGISTRY_ONLY" },
  { trustDomain: "td.example" },
  { trustDomainAliases: ["old.example"] },
  { rootNamespace: "data" },
  { accessLogFile: "/dev/stdout" },
  { accessLogFile: "/dev/stdout", accessLogFormat: '{"code": "%RESPONSE_CODE%"}', accessLogEncoding: "JSON" },
  { connectTimeoutMs: 3_000 },
  { enableAutoMtls: false },
  { minTlsVersion: "TLSV1_3" },
  { defaultServiceExportTo: ["."] },
  { defaultVirtualServiceExportTo: ["."] },
  { defaultDestinationRuleExportTo: ["."] },
  { pathNormalization: "MERGE_SLASHES" },
  { dnsRefreshRateMs: 5_000 },
  { proxyListenPort: 16_001 },
  { proxyInboundListenPort: 16_006 },
];

export const randomSettings: fc.Arbitrary<MeshSettings> = fc
  .array(some(...changes), { maxLength: 2 })
  .map((chosen) => Object.assign({}, defaultMeshSettings, ...chosen) as MeshSettings);
