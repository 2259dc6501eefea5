// Who sends a request, and what that allows.
import type { IncomingMessage } from "node:http";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { Clock } from "../../kernel/clock.ts";

export interface ApiIdentity {
  name: string;
  groups: readonly string[];
}

/** Tells who a request is from by what the client has proven; undefined where it has proven nothing. */
export interface Authenticator {
  authenticate(request: IncomingMessage): Promise<ApiIdentity | undefined>;
}

/** The group that may do everything, as in Kubernetes. */
export const adminGroup = "system:masters";

export function isAdmin(identity: ApiIdentity): boolean {
  return identity.groups.includes(adminGroup);
}

/**
 * Takes the certificate that the TLS layer has verified against the authority of the API: the common name is the user,
 * the organizations are the groups (as Kubernetes reads client certificates). A certificate that was not verified, or has
 * expired since, proves nothing.
 */
export function clientCertificateAuthenticator(clock: Clock): Authenticator {
  return {
    async authenticate(request) {
      const socket = request.socket as Partial<TLSSocket>;
      if (socket.authorized !== true || socket.getPeerCertificate === undefined) return undefined;
      const certificate = socket.getPeerCertificate();
      // A connection may live longer than the certificate that opened it.
      if (!(Date.parse(certificate.valid_to) > clock.now())) return undefined;
      return identityOf(certificate);
    },
  };
}

function identityOf({ subject }: PeerCertificate): ApiIdentity | undefined {
  const [name] = listOf(subject?.CN);
  return name === undefined ? undefined : { name, groups: listOf(subject.O) };
}

/** A field that occurs several times is a list. */
function listOf(field: string | string[] | undefined): string[] {
  if (field === undefined) return [];
  return typeof field === "string" ? [field] : field;
}

/** The first that recognises the request decides. */
export function firstOf(...authenticators: readonly Authenticator[]): Authenticator {
  return {
    async authenticate(request) {
      for (const each of authenticators) {
        const identity = await each.authenticate(request);
        if (identity !== undefined) return identity;
      }
      return undefined;
    },
  };
}
