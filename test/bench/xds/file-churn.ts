// What a busy day changes in the large mesh, as files: endpoints, routes, subsets and policies, one change after the other.
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostOf, type LargeMesh, moveEndpoint, writeMesh, writeRouting } from "../../kit/large-mesh.ts";

export interface FileChurnOptions {
  folder: string;
  mesh: LargeMesh;
  /** Namespaces of the proxies, to which policies are written. */
  namespaces: readonly string[];
}

/** Services whose subsets come, change and go; they follow those that are routed. */
const subsetServices = 20;

export class FileChurn {
  private readonly options: FileChurnOptions;
  private readonly extra = new Set<string>();
  private written = 0;

  constructor(options: FileChurnOptions) {
    this.options = options;
  }

  /** Changes until each service has changed. */
  static roundOf(mesh: LargeMesh): number {
    return 4 * mesh.services;
  }

  /** Changes written so far. */
  get count(): number {
    return this.written;
  }

  /** Writes one change. */
  next(): void {
    const { folder, mesh } = this.options;
    const number = this.written++;
    const round = Math.floor(number / 4);
    if (number % 4 === 0) {
      const address = `10.${240 + ((round >> 16) & 7)}.${(round >> 8) & 255}.${round & 255}`;
      moveEndpoint(folder, mesh, (round * 37) % mesh.services, address);
    } else if (number % 4 === 1) writeRouting(folder, round % mesh.routed, 10 + (round % 80));
    else if (number % 4 === 2) this.changeSubsets(round);
    else this.changePolicy(round);
  }

  /** Writes everything as it was before the first change. */
  restore(): void {
    const { folder, mesh } = this.options;
    for (const name of this.extra) rmSync(join(folder, name), { force: true });
    this.extra.clear();
    writeMesh(folder, mesh);
  }

  /** Subsets are added, changed and removed in turn. */
  private changeSubsets(round: number): void {
    const { mesh } = this.options;
    const index = Math.min(mesh.routed + (round % subsetServices), mesh.services - 1);
    const step = Math.floor(round / subsetServices);
    const subsets = step % 3 === 1 ? ["v1", "v2"] : ["v1"];
    this.put(
      `subsets-${index}.yaml`,
      step % 3 === 2
        ? undefined
        : `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: subsets-${index}, namespace: mesh}
spec:
  host: ${hostOf(index)}
  trafficPolicy: {connectionPool: {tcp: {connectTimeout: ${(step % 9) + 1}s}}}
  subsets:
${subsets.map((name) => `    - {name: ${name}, labels: {version: ${name}}}\n`).join("")}`,
    );
  }

  /** Who may call the proxies of a namespace, and whether they take plaintext. */
  private changePolicy(round: number): void {
    const { namespaces } = this.options;
    const namespace = namespaces[round % namespaces.length] ?? "mesh";
    const step = Math.floor(round / namespaces.length);
    this.put(
      `policy-${namespace}.yaml`,
      step % 5 === 4
        ? undefined
        : `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: callers, namespace: ${namespace}}
spec:
  selector: {matchLabels: {app: client}}
  rules:
    - from: [{source: {principals: [cluster.local/ns/mesh/sa/caller-${step}]}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: ${namespace}}
spec: {mtls: {mode: ${step % 2 === 0 ? "PERMISSIVE" : "STRICT"}}}
`,
    );
  }

  private put(name: string, text: string | undefined): void {
    const path = join(this.options.folder, name);
    if (text === undefined) {
      rmSync(path, { force: true });
      this.extra.delete(name);
      return;
    }
    const written = join(this.options.folder, `.${name}.new`);
    writeFileSync(written, text);
    renameSync(written, path);
    this.extra.add(name);
  }
}
