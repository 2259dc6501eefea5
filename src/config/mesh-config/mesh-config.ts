// The MeshConfig document (`--mesh-config`): text → settings with defaults, and what is wrong with them.
import { decodeDocument } from "../decode/decode-document.ts";
import { splitDocuments } from "../decode/split-documents.ts";
import { configCodes } from "../errors.ts";
import { checkExportTo } from "../export-to.ts";
import { formatPath, type PathSegment, parsePath } from "../field-path.ts";
import { isMachinePort } from "../listener-port.ts";
import { isNamespaceName } from "../metadata.ts";
import type { Problem } from "../problem.ts";
import { validateValue } from "../validate.ts";
import { type MeshConfig, meshConfigSchema } from "./mesh-config-schema.ts";
import { type CompleteMeshConfig, withMeshDefaults } from "./mesh-defaults.ts";

export type { MeshConfig } from "./mesh-config-schema.ts";
export type { CompleteMeshConfig } from "./mesh-defaults.ts";

/** Longest document, characters; Istio's own has about a thousand. */
const textLimit = 1 << 20;

/**
 * Decodes a MeshConfig in YAML or JSON, as the key `mesh` of Istio's ConfigMap holds it. An empty text is all defaults.
 *
 * @param file name for problems
 * @returns `config` is only the defaults where a problem is an error: refuse the document then
 */
export function decodeMeshConfig(text: string, file: string): { config: CompleteMeshConfig; problems: Problem[] } {
  const defaults = withMeshDefaults({});
  if (text.length > textLimit) {
    const message = `the text is longer than ${textLimit} characters`;
    return { config: defaults, problems: [{ severity: "error", code: configCodes.tooLarge, message, file, line: 1 }] };
  }
  const [slice, more] = splitDocuments(text);
  if (slice === undefined) return { config: defaults, problems: [] };
  const decoded = decodeDocument(slice.text, slice.line);
  if ("faults" in decoded) {
    return { config: defaults, problems: decoded.faults.map((fault) => ({ severity: "error", ...fault, file })) };
  }
  const [document, second] = decoded;
  if (document === undefined || document.value === null) return { config: defaults, problems: [] };
  const problems = checkMeshConfig(document.value).map((problem) => ({
    ...problem,
    file,
    line: document.lineAt(parsePath(problem.path ?? "") ?? []),
  }));
  const extraLine = more?.line ?? second?.lineAt([]);
  if (extraLine !== undefined) {
    const message = "the file holds more than one document";
    problems.push({ severity: "error", code: configCodes.syntax, message, file, line: extraLine });
  }
  if (problems.some((problem) => problem.severity === "error")) return { config: defaults, problems };
  return { config: withMeshDefaults(document.value as MeshConfig), problems };
}

/** The places where Istio's users keep the document; whoever hands over the whole object gets one clear answer. */
function wrapperProblem(value: unknown): Problem | undefined {
  const wrapper = value as { kind?: unknown; meshConfig?: unknown; spec?: { meshConfig?: unknown } } | undefined;
  const below = (place: string): Problem => ({
    severity: "error",
    code: configCodes.wrongType,
    message: `the file holds more than the MeshConfig, which stands at ${place}`,
    path: "",
    remedy: `Write only what stands below ${place} into the file.`,
  });
  if (wrapper?.kind === "ConfigMap") return below("data.mesh");
  if (wrapper?.meshConfig !== undefined) return below("meshConfig");
  return wrapper?.spec?.meshConfig === undefined ? undefined : below("spec.meshConfig");
}

function checkMeshConfig(value: unknown): Problem[] {
  const wrapper = wrapperProblem(value);
  if (wrapper !== undefined) return [wrapper];
  const { errors, pending } = validateValue(meshConfigSchema, value, []);
  if (errors.length > 0) return errors;
  const config = value as MeshConfig;
  const problems: Problem[] = [];
  const report = (
    severity: Problem["severity"],
    code: string,
    path: PathSegment[],
    message: string,
    remedy: string,
  ) => {
    problems.push({ severity, code, path: formatPath(path), message, remedy });
  };
  if (config.rootNamespace !== undefined && !isNamespaceName(config.rootNamespace)) {
    report(
      "error",
      configCodes.ruleBroken,
      ["rootNamespace"],
      "is not a valid namespace",
      "Use letters, digits and '-'.",
    );
  }
  for (const field of [
    "defaultServiceExportTo",
    "defaultVirtualServiceExportTo",
    "defaultDestinationRuleExportTo",
  ] as const) {
    for (const finding of checkExportTo(config[field], { at: [field], mayHide: true })) problems.push(finding);
  }
  if (config.proxyListenPort !== undefined && config.proxyListenPort === config.proxyInboundListenPort) {
    report(
      "error",
      configCodes.ruleBroken,
      ["proxyInboundListenPort"],
      "must differ from proxyListenPort",
      "Give each direction its own port.",
    );
  }
  for (const field of ["proxyListenPort", "proxyInboundListenPort"] as const) {
    const port = config[field];
    if (port === undefined || !isMachinePort(port)) continue;
    const message = `machines listen on port ${port} for something else`;
    report("error", configCodes.ruleBroken, [field], message, "Use another port, or leave the field out.");
  }
  if (config.outboundTrafficPolicy?.mode === "ALLOW_ANY_DYNAMIC_DNS") {
    const message = "valid, but proxies do not act on ALLOW_ANY_DYNAMIC_DNS yet";
    report("warning", configCodes.notCarriedOut, ["outboundTrafficPolicy", "mode"], message, "Use ALLOW_ANY.");
  }
  if (config.visibility === "strict") {
    const message = "valid, but hosts of other namespaces are not refused yet";
    report("warning", configCodes.notCarriedOut, ["visibility"], message, "Do not rely on it.");
  }
  return [...problems, ...pending];
}
