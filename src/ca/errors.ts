// What the certificate authority refuses, and what can be wrong with its own keys.
import { defineErrors } from "../kernel/error.ts";

export const caErrors = defineErrors({
  unsafeFile: {
    code: "LAT3101",
    meaning:
      "A file or folder of the certificate authority has the wrong type, owner or rights, so others could use its keys.",
    remedy:
      "Make the folder 0700 and its files 0600, owned by the user of lateen up, without links; if others could read a key, make a new authority.",
  },
  brokenFiles: {
    code: "LAT3102",
    meaning:
      "The files of the certificate authority are incomplete, damaged, or do not belong together; nothing is replaced silently.",
    remedy:
      "Restore the folder ca of the data folder from a backup. Removing it makes a new root, and every machine has to join again.",
  },
  authorityExpired: {
    code: "LAT3103",
    meaning: "A certificate of the authority itself has expired, so it cannot issue.",
    remedy: "Check the clock of this host. If it is right, restore the root's key or make a new authority.",
  },
  requestRefused: {
    code: "LAT3104",
    meaning:
      "A certificate signing request does not prove that its sender holds the key, or asks for the authority's own key.",
    remedy: "Make a new key and request on the machine; lateen join does both.",
  },
  ttlRefused: {
    code: "LAT3105",
    meaning: "A certificate was asked for with a lifetime above the maximum.",
    remedy:
      "Ask for at most 90 days, or for none; what is granted is at most lateen up --workload-cert-ttl, 24 hours by default.",
  },
  identityRefused: {
    code: "LAT3106",
    meaning: "A certificate was asked for an identity of another trust domain, or for one that names no workload.",
    remedy: "Check the trust domain of the control plane and of the caller.",
  },
  tokenRefused: {
    code: "LAT3107",
    meaning: "A join token is unknown, has expired, or was used as often as it may be.",
    remedy: "Make another with lateen token create --group NAMESPACE/NAME, and use it before it expires.",
  },
  tokenAttemptsLimited: {
    code: "LAT3108",
    meaning:
      "Too many join tokens from one address were refused, so further attempts from it are answered once a second.",
    remedy: "Wait a second and try again with a valid token.",
  },
  tokenNotMade: {
    code: "LAT3109",
    meaning:
      "A join token was asked for with a group, lifetime or number of uses that is not allowed, or there are too many.",
    remedy:
      "Name the WorkloadGroup as NAMESPACE/NAME, live at most 7 days, allow 1 to 10,000 uses, and let unused tokens expire.",
  },
  badServerName: {
    code: "LAT3110",
    meaning: "A name for the control plane's certificate is neither a DNS name nor an IP address.",
    remedy: "Give --advertise a host name or an address, without scheme, port or wildcard.",
  },
});
