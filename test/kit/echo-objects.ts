// The objects of most tests: callers in one group, two versions of the application `echo` in others.

/** WorkloadGroup whose machines run the application of the tests. */
export function workloadGroup(
  name: string,
  options: {
    namespace?: string;
    app?: string;
    account?: string;
    version?: string;
    annotations?: string;
    tcp?: boolean;
  } = {},
): string {
  const { namespace = "shop", app = name, account = app, version = "v1", annotations = "{}" } = options;
  return `apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  metadata:
    labels: {app: ${app}, version: ${version}}
    annotations: ${annotations}
  template:
    serviceAccount: ${account}
    ports: {http: 8080, tcp: 9000}
---
`;
}

/** A name for the machines whose label `app` is `name`: HTTP on 80, TCP on 9000. */
export function meshService(name: string, namespace = "shop", extra = ""): string {
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  hosts: [${name}.${namespace}.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports:
  - {number: 80, name: http, protocol: HTTP, targetPort: 8080}
  - {number: 9000, name: tcp, protocol: TCP, targetPort: 9000}
  workloadSelector: {labels: {app: ${name}}}
${extra}---
`;
}

/** PeerAuthentication of a namespace; the root namespace's holds for the mesh. */
export function peerAuthentication(mode: string, namespace = "istio-system", extra = ""): string {
  return `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: ${namespace}}
spec:
  mtls: {mode: ${mode}}
${extra}---
`;
}
