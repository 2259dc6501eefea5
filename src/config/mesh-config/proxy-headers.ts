// ProxyConfig.proxyHeaders (istio.mesh.v1alpha1.ProxyConfig.ProxyHeaders): headers that proxies add by themselves.
import { bool, object, oneOfStrings, string } from "../schema.ts";

/** What happens to x-forwarded-client-cert, as Envoy's forward_client_cert_details. */
export function forwardClientCert(description: string) {
  return oneOfStrings(
    ["UNDEFINED", "SANITIZE", "FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET", "ALWAYS_FORWARD_ONLY"],
    { description },
  );
}

const switchedOff = (header: string) =>
  object({ disabled: bool({ description: "True leaves it out." }) }, { description: `The header ${header}.` });

const switchedOn = (header: string) =>
  object({ enabled: bool({ description: "True adds it." }) }, { description: `The header ${header}.` });

export function proxyHeaders() {
  return object(
    {
      forwardedClientCert: forwardClientCert("What happens to x-forwarded-client-cert."),
      setCurrentClientCertDetails: object(
        {
          subject: bool({ description: "Adds the subject.", default: true }),
          cert: bool({ description: "Adds the certificate, PEM.", default: false }),
          chain: bool({ description: "Adds the chain, PEM.", default: false }),
          dns: bool({ description: "Adds the DNS names.", default: true }),
          uri: bool({ description: "Adds the URI, which is the SPIFFE ID.", default: true }),
        },
        { description: "What x-forwarded-client-cert says about the client's certificate." },
      ),
      requestId: switchedOff("x-request-id"),
      server: object(
        {
          disabled: bool({ description: "True leaves the header of the application alone." }),
          value: string({ description: "Value of the header.", default: "istio-envoy" }),
        },
        { description: "The header server." },
      ),
      attemptCount: switchedOff("x-envoy-attempt-count"),
      envoyDebugHeaders: switchedOff("family x-envoy-*"),
      metadataExchangeHeaders: object(
        {
          mode: oneOfStrings(["UNDEFINED", "IN_MESH"], {
            description: "IN_MESH leaves them out of requests that leave the mesh.",
          }),
        },
        { description: "The headers x-envoy-peer-metadata and x-envoy-peer-metadata-id." },
      ),
      preserveHttp1HeaderCase: bool({ description: "Keeps the case of header names in HTTP/1.1." }),
      xForwardedHost: switchedOn("x-forwarded-host"),
      xForwardedPort: switchedOn("x-forwarded-port"),
    },
    { pending: true, description: "Headers that proxies add." },
  );
}
