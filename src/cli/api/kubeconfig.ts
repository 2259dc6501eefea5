// kubeconfig (client.authentication of Kubernetes, v1 Config) → the one cluster, user and namespace to use.
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { type Fields, isFields } from "../../kernel/fields.ts";
import { quoted } from "../../kernel/quote.ts";
import { Secret } from "../../kernel/secret.ts";
import { cliErrors } from "../errors.ts";

/** Where to connect and as whom. File names are absolute; what they hold is read later. */
export interface ClusterAccess {
  /** `https://host:port[/base]`. */
  server: URL;
  /** Authority that the server's certificate must chain to; absent: the system's. */
  authority: Material | undefined;
  /** Name the server's certificate must carry instead of the host in `server`. */
  tlsServerName: string | undefined;
  clientCertificate: Material | undefined;
  clientKey: Secret<Material> | undefined;
  token: Secret<Material> | undefined;
  namespace: string | undefined;
}

/** PEM or a token: in the kubeconfig itself, or in a file beside it. */
export type Material = { inline: string } | { file: string };

export interface KubeconfigFile {
  path: string;
  text: string;
}

/** Largest kubeconfig, characters. */
export const kubeconfigLimit = 1 << 20;

/**
 * Reads one kubeconfig, or several that are merged as kubectl does: of two entries with one name the first stands.
 *
 * @param contextName the context to use instead of `current-context`
 * @throws LateenError LAT9003
 */
export function readKubeconfig(files: readonly KubeconfigFile[], contextName?: string): ClusterAccess {
  const configs = files.map(parseFile);
  const paths = files.map((file) => file.path).join(", ");
  const current = contextName ?? configs.map((config) => text(config.fields, "current-context")).find(isFilled);
  const contexts = entries(configs, "contexts", "context");
  // A file with one context and no current one leaves no choice.
  const name = current ?? (contexts.size === 1 ? [...contexts.keys()][0] : undefined);
  if (name === undefined) throw bad(`${paths}: no current-context is set`, "Name one with --context.");
  const context = contexts.get(name);
  if (context === undefined) {
    throw bad(
      `${paths}: there is no context ${quoted(name)}`,
      `Name one of ${listed([...contexts.keys()])} with --context.`,
    );
  }
  const clusterName = text(context.fields, "cluster") ?? "";
  const cluster = entries(configs, "clusters", "cluster").get(clusterName);
  if (cluster === undefined) throw bad(`${paths}: there is no cluster ${quoted(clusterName)}`);
  const userName = text(context.fields, "user") ?? "";
  const user = entries(configs, "users", "user").get(userName);
  if (user === undefined && userName !== "") throw bad(`${paths}: there is no user ${quoted(userName)}`);
  return {
    ...readCluster(cluster),
    ...readUser(user),
    namespace: text(context.fields, "namespace"),
  };
}

interface Entry {
  fields: Fields;
  /** The file it stands in: relative paths start at its folder. */
  path: string;
}

function parseFile(file: KubeconfigFile): Entry {
  if (file.text.length > kubeconfigLimit) throw bad(`${file.path} is longer than ${kubeconfigLimit} characters`);
  let value: unknown;
  try {
    value = parse(file.text, { maxAliasCount: 0, logLevel: "error", prettyErrors: false });
  } catch {
    // The library's message may quote the text, and the text holds keys: neither is passed on.
    throw bad(`${file.path} is not valid YAML`);
  }
  if (!isFields(value)) throw bad(`${file.path} is not a kubeconfig: it must be a map`);
  return { fields: value, path: file.path };
}

function entries(configs: readonly Entry[], list: string, field: string): Map<string, Entry> {
  const found = new Map<string, Entry>();
  for (const { fields, path } of configs) {
    const items = fields[list];
    if (items === undefined || items === null) continue;
    if (!Array.isArray(items)) throw bad(`${path}: ${list} must be a list`);
    for (const item of items as readonly unknown[]) {
      const name = isFields(item) ? text(item, "name") : undefined;
      if (!isFields(item) || name === undefined) throw bad(`${path}: an entry of ${list} has no name`);
      const value = item[field] ?? {};
      if (!isFields(value)) throw bad(`${path}: ${field} ${quoted(name)} must be a map`);
      if (!found.has(name)) found.set(name, { fields: value, path });
    }
  }
  return found;
}

function readCluster(cluster: Entry): Pick<ClusterAccess, "server" | "authority" | "tlsServerName"> {
  const { fields, path } = cluster;
  const address = text(fields, "server");
  if (address === undefined) throw bad(`${path}: the cluster has no server`);
  const server = URL.parse(address);
  if (server === null || (server.protocol !== "https:" && server.protocol !== "http:")) {
    throw bad(`${path}: the server ${quoted(address)} is not an https:// address`);
  }
  if (server.username !== "" || server.password !== "")
    throw bad(`${path}: the server's address must not hold a password`);
  if (server.protocol === "http:" && !isLoopback(server.hostname)) {
    throw bad(`${path}: the server ${quoted(address)} is not an https:// address`, "Plain http is for loopback only.");
  }
  if (fields["insecure-skip-tls-verify"] === true) {
    throw bad(
      `${path}: insecure-skip-tls-verify is not taken from a file`,
      "Put certificate-authority-data there, or type --insecure-skip-tls-verify.",
    );
  }
  if (isFilled(text(fields, "proxy-url"))) throw bad(`${path}: proxy-url is not supported`, "Remove it.");
  return {
    server,
    authority: material(cluster, "certificate-authority"),
    tlsServerName: text(fields, "tls-server-name"),
  };
}

function readUser(user: Entry | undefined): Pick<ClusterAccess, "clientCertificate" | "clientKey" | "token"> {
  if (user === undefined) return { clientCertificate: undefined, clientKey: undefined, token: undefined };
  for (const refused of ["exec", "auth-provider", "username", "password"]) {
    if (user.fields[refused] !== undefined) {
      throw bad(
        `${user.path}: ${refused} is not supported; lateen runs no program named by a kubeconfig`,
        "Use a client certificate or a token.",
      );
    }
  }
  const clientCertificate = material(user, "client-certificate");
  const key = material(user, "client-key");
  if ((clientCertificate === undefined) !== (key === undefined)) {
    throw bad(`${user.path}: client-certificate and client-key must be given together`);
  }
  const tokenText = text(user.fields, "token");
  const tokenFile = text(user.fields, "tokenFile");
  const token = isFilled(tokenText)
    ? { inline: tokenText }
    : isFilled(tokenFile)
      ? { file: resolve(dirname(user.path), tokenFile) }
      : undefined;
  return {
    clientCertificate,
    clientKey: key === undefined ? undefined : new Secret(key),
    token: token === undefined ? undefined : new Secret(token),
  };
}

/** `NAME-data` (base64 of PEM) or the file `NAME`. */
function material(entry: Entry, name: string): Material | undefined {
  const data = text(entry.fields, `${name}-data`);
  if (isFilled(data)) {
    const pem = /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(data) ? Buffer.from(data, "base64").toString("latin1") : "";
    if (!pem.includes("-----BEGIN ")) throw bad(`${entry.path}: ${name}-data is not base64 of PEM`);
    return { inline: pem };
  }
  const file = text(entry.fields, name);
  return isFilled(file) ? { file: resolve(dirname(entry.path), file) } : undefined;
}

function text(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" ? value : undefined;
}

function isFilled(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.slice(0, 20).join(", ");
}

function bad(message: string, remedy?: string) {
  return cliErrors.badKubeconfig(message, remedy === undefined ? {} : { remedy });
}
