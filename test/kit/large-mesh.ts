// A large mesh as files: services with endpoints, of which some have subsets and weighted routes.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Every call between machines is mutual TLS. */
const strict = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
`;

export interface LargeMesh {
  services: number;
  endpoints: number;
  /** The first so many services have a VirtualService and a DestinationRule with the subsets v1 and v2. */
  routed: number;
}

export const thousandServices: LargeMesh = { services: 1000, endpoints: 10, routed: 100 };

/** Services described in one file. */
const perFile = 20;

export const hostOf = (index: number): string => `svc-${index}.mesh.example`;

/** Writes all files of the mesh into a folder. */
export function writeMesh(folder: string, mesh: LargeMesh): void {
  mkdirSync(folder, { recursive: true });
  for (let from = 0; from < mesh.services; from += perFile) writeServices(folder, mesh, from);
  for (let index = 0; index < mesh.routed; index++) writeRouting(folder, index, 90);
  replaceFile(folder, "strict.yaml", strict);
}

/** Writes the file of a service anew, with other addresses of its first endpoint. Returns when, performance.now(). */
export function moveEndpoint(folder: string, mesh: LargeMesh, index: number, address: string): number {
  return writeServices(folder, mesh, index - (index % perFile), new Map([[index, address]]));
}

/** Writes a service's rules anew; v1 gets `weight` percent. Returns when, performance.now(). */
export function writeRouting(folder: string, index: number, weight: number): number {
  const rules = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc-${index}, namespace: mesh}
spec:
  hosts: [${hostOf(index)}]
  http:
    - route:
        - destination: {host: ${hostOf(index)}, subset: v1}
          weight: ${weight}
        - destination: {host: ${hostOf(index)}, subset: v2}
          weight: ${100 - weight}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc-${index}, namespace: mesh}
spec:
  host: ${hostOf(index)}
  subsets:
    - {name: v1, labels: {version: v1}}
    - {name: v2, labels: {version: v2}}
`;
  return replaceFile(folder, `rules-${index}.yaml`, rules);
}

function writeServices(folder: string, mesh: LargeMesh, from: number, moved = new Map<number, string>()): number {
  const documents: string[] = [];
  for (let index = from; index < Math.min(from + perFile, mesh.services); index++) {
    const endpoints = Array.from({ length: mesh.endpoints }, (_, number) => {
      const address = number === 0 ? (moved.get(index) ?? addressOf(index, number)) : addressOf(index, number);
      return `    - {address: ${address}, labels: {version: v${(number % 2) + 1}}}\n`;
    });
    documents.push(`apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: svc-${index}, namespace: mesh}
spec:
  hosts: [${hostOf(index)}]
  ports: [{number: 8080, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints:
${endpoints.join("")}`);
  }
  return replaceFile(folder, `services-${from}.yaml`, documents.join("---\n"));
}

/** As editors and configuration management do: the file is never seen half written. */
function replaceFile(folder: string, name: string, text: string): number {
  const written = join(folder, `.${name}.new`);
  writeFileSync(written, text);
  const nowMs = performance.now();
  renameSync(written, join(folder, name));
  return nowMs;
}

/** Different for 10,000 services of 250 endpoints, and for 250 services of 1,000. */
function addressOf(index: number, number: number): string {
  const network = Math.floor(index / 250) + 1 + 41 * Math.floor(number / 250);
  return `10.${network}.${index % 250}.${(number % 250) + 1}`;
}
