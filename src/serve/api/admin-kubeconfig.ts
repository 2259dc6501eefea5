// The administrator's credentials, as kubectl and lateen read them (client-go's kubeconfig, in JSON, which is YAML).
import { base64, utf8 } from "../../kernel/bytes.ts";
import { Secret } from "../../kernel/secret.ts";

export interface AdminAccess {
  /** `https://127.0.0.1:15013` */
  server: string;
  /** PEM of the roots that the API's own certificate chains to. */
  serverRoots: string;
  /** PEM of the administrator's certificate. */
  certificate: string;
  /** PEM of its key. */
  key: Secret<string>;
}

/** Text of `admin.kubeconfig`; to be written with mode 0600. */
export function adminKubeconfig({ server, serverRoots, certificate, key }: AdminAccess): Secret<string> {
  const data = (text: string): string => base64(utf8(text));
  const name = "lateen";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": data(serverRoots) } }],
    users: [
      {
        name: "lateen-admin",
        user: { "client-certificate-data": data(certificate), "client-key-data": data(key.reveal()) },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: "lateen-admin", namespace: "default" } }],
    "current-context": name,
  };
  return new Secret(`${JSON.stringify(config, null, 2)}\n`);
}
