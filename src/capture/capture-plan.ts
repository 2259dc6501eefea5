// What is captured on a machine, and what never is: data only, so that it can be compared, stored and rendered.

/** Whose connections are captured. Processes of the proxy's user or group never are. */
export type CapturedUser = { kind: "everyone" } | { kind: "uid"; uid: number } | { kind: "gid"; gid: number };

/** One workload of the machine: who it is to the kernel, and the TCP ports on which it serves. */
export interface CapturedWorkload {
  readonly who: CapturedUser;
  readonly ports: "*" | readonly number[];
}

/** An address and TCP port whose traffic is never touched. */
export interface ExemptEndpoint {
  readonly address: string;
  readonly port: number;
}

/** A validated plan, made by `planCapture`. Lists are sorted and free of duplicates; equal plans are equal data. */
export interface CapturePlan {
  /** User and group whose packets are never redirected; Envoy and the agent run as them. Istio: `--proxy-uid`, `--proxy-gid`. */
  readonly proxyUid: number;
  readonly proxyGid: number;
  /** Envoy's outbound listener, Istio's `--envoy-port`. */
  readonly outboundPort: number;
  /** Envoy's inbound listener, Istio's `--inbound-capture-port`. */
  readonly inboundPort: number;
  /** The agent's DNS server; undefined leaves DNS alone. */
  readonly dnsPort: number | undefined;
  /** DNS servers (addresses) to which queries are captured; `*` is Istio's `--capture-all-dns`. */
  readonly nameservers: "*" | readonly string[];
  /** Users whose own DNS queries are not captured: local resolvers such as systemd-resolved, dnsmasq or unbound. */
  readonly dnsExemptUids: readonly number[];
  /** Inbound ports of all workloads together. Istio: `--istio-inbound-ports`. */
  readonly includeInboundPorts: "*" | readonly number[];
  /** Istio: `--istio-local-exclude-ports`. Always holds SSH and the proxy's own service ports. */
  readonly excludeInboundPorts: readonly number[];
  /** Istio: `--istio-local-outbound-ports-exclude`. */
  readonly excludeOutboundPorts: readonly number[];
  /** CIDR blocks. Istio: `--istio-service-cidr`. */
  readonly includeOutboundCidrs: "*" | readonly string[];
  /** CIDR blocks; none holds another. Istio: `--istio-service-exclude-cidr`. */
  readonly excludeOutboundCidrs: readonly string[];
  readonly controlPlane: readonly ExemptEndpoint[];
  /** Ports on which administrators reach the machine; part of `excludeInboundPorts`, checked by the self-test. */
  readonly sshPorts: readonly number[];
  readonly workloads: readonly CapturedWorkload[];
  /** False leaves IPv6 traffic alone: only for kernels that do no IPv6. */
  readonly ipv6: boolean;
}

/** What a caller says; everything left out is Istio's default for a VM. */
export interface CaptureInput {
  proxyUid?: number;
  proxyGid?: number;
  outboundPort?: number;
  inboundPort?: number;
  /** Absent: DNS is not captured. */
  dnsPort?: number | undefined;
  /** Usually those of `/etc/resolv.conf`. Required with `dnsPort` unless `captureAllDns` is set. */
  nameservers?: readonly string[];
  captureAllDns?: boolean;
  dnsExemptUids?: readonly number[];
  includeInboundPorts?: "*" | readonly number[];
  excludeInboundPorts?: readonly number[];
  excludeOutboundPorts?: readonly number[];
  includeOutboundCidrs?: "*" | readonly string[];
  excludeOutboundCidrs?: readonly string[];
  controlPlane?: readonly ExemptEndpoint[];
  /** Besides 22. */
  sshPorts?: readonly number[];
  workloads?: readonly CapturedWorkload[];
  ipv6?: boolean;
}
