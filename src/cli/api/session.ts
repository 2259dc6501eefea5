// A command's connection to the control plane: credentials found, TLS set up, warnings printed once.
import { readFileSync } from "node:fs";
import { describeError } from "../../kernel/error.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { ApiClient } from "./api-client.ts";
import type { ConnectionFlags } from "./connection-flags.ts";
import { discoverKinds } from "./discovery.ts";
import { findKubeconfig } from "./find-kubeconfig.ts";
import { type Material, readKubeconfig } from "./kubeconfig.ts";
import type { ResourceKind } from "./resource-kind.ts";

export interface Session {
  readonly client: ApiClient;
  /** `--namespace`, else the kubeconfig's, else `default`. */
  readonly namespace: string;
  /** What the server warned of so far. */
  readonly warnings: ReadonlySet<string>;
  /** Warnings of the server that pass the test are neither printed nor kept from now on. */
  silence(test: (text: string) => boolean): void;
  /** Every kind the server serves; asked once. */
  kinds(): Promise<readonly ResourceKind[]>;
}

/** Where objects without a namespace will go, as far as that can be told before connecting. */
export function likelyNamespace(context: Context, flags: ConnectionFlags & { namespace?: string }): string {
  if (flags.namespace !== undefined) return flags.namespace;
  try {
    return readKubeconfig(findKubeconfig(flags, context.deps.env), flags.context).namespace ?? "default";
  } catch {
    return "default";
  }
}

/** Wait for an answer unless told otherwise, milliseconds. */
const defaultTimeoutMs = 30_000;

/**
 * Runs `work` with a connection and closes it.
 *
 * @throws LateenError LAT9002 or LAT9003 where there are no usable credentials, and what `work` throws
 */
export async function withSession<T>(
  context: Context,
  flags: ConnectionFlags & { namespace?: string },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const access = readKubeconfig(findKubeconfig(flags, context.deps.env), flags.context);
  const warnings = new Set<string>();
  let silenced = (_text: string): boolean => false;
  const skipVerify = flags.insecureSkipTlsVerify === true;
  if (skipVerify) context.terminal.note(`warning: the certificate of ${access.server.origin} is not verified`);
  const client = new ApiClient(
    {
      server: access.server,
      authority: optional(access.authority),
      tlsServerName: access.tlsServerName,
      clientCertificate: optional(access.clientCertificate),
      clientKey: secret(access.clientKey),
      token: secret(access.token, cleanToken),
      skipVerify,
    },
    {
      clock: context.deps.clock,
      timeoutMs: flags.requestTimeout ?? defaultTimeoutMs,
      userAgent: `lateen/${context.deps.version}`,
      onWarning(text) {
        if (warnings.has(text) || silenced(text)) return;
        warnings.add(text);
        context.terminal.note(`warning: ${text}`);
      },
    },
  );
  let kinds: Promise<readonly ResourceKind[]> | undefined;
  try {
    return await work({
      client,
      warnings,
      silence(test) {
        silenced = test;
      },
      namespace: flags.namespace ?? access.namespace ?? "default",
      kinds() {
        kinds ??= discoverKinds(client);
        return kinds;
      },
    });
  } finally {
    await client.stop();
  }
}

function optional(material: Material | undefined): string | undefined {
  return material === undefined ? undefined : load(material);
}

function secret(material: Secret<Material> | undefined, clean = (text: string) => text): Secret<string> | undefined {
  return material === undefined ? undefined : new Secret(clean(load(material.reveal())));
}

function cleanToken(text: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw cliErrors.noCredentials("the token named by the kubeconfig holds characters that a header cannot carry");
}

function load(material: Material): string {
  if ("inline" in material) return material.inline;
  try {
    return readFileSync(material.file, "utf8");
  } catch (error) {
    throw cliErrors.noCredentials(`a file named by the kubeconfig cannot be read: ${describeError(error)}`);
  }
}
