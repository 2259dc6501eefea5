// The MeshConfig document as settings with units.
import { parseDurationMs } from "../config/duration.ts";
import type { CompleteMeshConfig } from "../config/mesh-config/mesh-config.ts";
import { defaultMeshSettings, type MeshSettings } from "./mesh-settings.ts";

/** @param clusterId the mesh's name for this control plane's cluster */
export function meshSettingsOf(config: CompleteMeshConfig, clusterId: string): MeshSettings {
  return {
    ...defaultMeshSettings,
    clusterId,
    trustDomain: config.trustDomain,
    trustDomainAliases: config.trustDomainAliases,
    rootNamespace: config.rootNamespace,
    // A mode that is not carried out yet is the nearest that is; the document's problems say so.
    outboundTrafficPolicy: config.outboundTrafficPolicy.mode === "REGISTRY_ONLY" ? "REGISTRY_ONLY" : "ALLOW_ANY",
    accessLogFile: config.accessLogFile,
    accessLogFormat: config.accessLogFormat,
    accessLogEncoding: config.accessLogEncoding === "JSON" ? "JSON" : "TEXT",
    connectTimeoutMs: parseDurationMs(config.connectTimeout) ?? defaultMeshSettings.connectTimeoutMs,
    enableAutoMtls: config.enableAutoMtls,
    minTlsVersion: config.meshMTLS.minProtocolVersion === "TLSV1_3" ? "TLSV1_3" : "TLSV1_2",
    defaultServiceExportTo: config.defaultServiceExportTo,
    defaultVirtualServiceExportTo: config.defaultVirtualServiceExportTo,
    defaultDestinationRuleExportTo: config.defaultDestinationRuleExportTo,
    pathNormalization: pathNormalizationOf(config.pathNormalization.normalization),
    dnsRefreshRateMs: parseDurationMs(config.dnsRefreshRate) ?? defaultMeshSettings.dnsRefreshRateMs,
    proxyListenPort: config.proxyListenPort,
    proxyInboundListenPort: config.proxyInboundListenPort,
  };
}

/** DEFAULT is BASE, as in Istio. */
function pathNormalizationOf(word: string): MeshSettings["pathNormalization"] {
  return word === "NONE" || word === "MERGE_SLASHES" || word === "DECODE_AND_MERGE_SLASHES" ? word : "BASE";
}
