// lateen up: the flags of a control plane.
import { Command } from "commander";
import type { UpOptions } from "../cli-deps.ts";
import type { Context } from "../context.ts";
import { durationFlag } from "../duration-flag.ts";
import { parseHostPort, parsePort } from "../port-flag.ts";
import { collect } from "../repeated-flag.ts";

/** Shorter ones would be renewed more often than a control plane restarts; the longest is istiod's MAX_WORKLOAD_CERT_TTL. */
const parseCertTtl = durationFlag(30_000, 90 * 86_400_000, "Give 30s to 90d, such as 1h or 24h.");

interface UpFlags {
  dataDir: string;
  configDir?: string[];
  meshConfig?: string;
  listen?: string;
  apiListen?: string;
  advertise?: string[];
  xdsPort?: number;
  apiPort?: number;
  metricsPort?: number;
  workloadCertTtl?: number;
  xdsPlaintext?: { host: string; port: number };
}

export function upCommand(context: Context): Command {
  return new Command("up")
    .summary("run a control plane")
    .description(
      "Runs a control plane: configuration API, certificate authority, xDS and store, in one process. It prints one line 'ready' with its addresses once it serves, and writes admin.kubeconfig into its data folder.",
    )
    .option("--data-dir <folder>", "where keys, objects and admin.kubeconfig are kept", "/var/lib/lateen/control")
    .option("--config-dir <folder>", "folder of Istio YAML to watch, read-only; may be repeated", collect)
    .option("--mesh-config <file>", "file with Istio's MeshConfig")
    .option("--listen <address>", "address that machines and metrics are served on (default: 0.0.0.0)")
    .option(
      "--api-listen <address>",
      "address of the configuration API (default: 127.0.0.1); who has admin.kubeconfig may use it from elsewhere then",
    )
    .option(
      "--advertise <name>",
      "name or address that machines and people use for this host; may be repeated",
      collect,
    )
    .option(
      "--xds-port <port>",
      "port for machines: xDS, certificates, join (default: 15012; 0 takes a free one)",
      parsePort,
    )
    .option("--api-port <port>", "port of the configuration API (default: 15013)", parsePort)
    .option("--metrics-port <port>", "port of /metrics, /healthz and /readyz (default: 15014)", parsePort)
    .option(
      "--workload-cert-ttl <duration>",
      "how long certificates of machines are good for; they are renewed at half of it (default: 24h)",
      parseCertTtl,
    )
    .option("--xds-plaintext <host:port>", "also serve xDS without TLS, for tests and loopback clients", parseHostPort)
    .addHelpText(
      "after",
      `
Examples:
  # A control plane that machines reach as mesh.example.com
  lateen up --advertise mesh.example.com

  # Everything in one folder, with configuration from a checkout
  lateen up --data-dir ./state --config-dir ./mesh --advertise 10.0.0.5`,
    )
    .action(async (flags: UpFlags) => {
      const { configDir = [], advertise = [], ...rest } = flags;
      const options: UpOptions = { ...rest, advertise, configDirs: configDir };
      const up = await context.deps.actions.up();
      context.status = await up(options);
    });
}
