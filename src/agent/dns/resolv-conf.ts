// resolv.conf(5) → the machine's resolvers and search domains.
import { isIP } from "node:net";
import { normalizeName } from "./dns-name.ts";
import type { Upstream } from "./upstream.ts";

export interface ResolvConf {
  readonly nameservers: readonly Upstream[];
  readonly searchDomains: readonly string[];
}

const dnsPort = 53;
/** The C library reads 3 name servers and 6 search domains; a little more does no harm. */
const nameserverLimit = 8;
const searchDomainLimit = 32;
/** Characters that are looked at. */
const textLimit = 64 * 1024;

/** Lines that make no sense are skipped, as the C library does; never throws. */
export function readResolvConf(text: string): ResolvConf {
  const nameservers: Upstream[] = [];
  let searchDomains: string[] = [];
  for (const line of text.slice(0, textLimit).split("\n")) {
    // A comment starts in the first column, or after a value.
    const [keyword, ...words] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    const [first = ""] = words;
    switch (keyword) {
      case "nameserver":
        if (isIP(first) !== 0 && nameservers.length < nameserverLimit) {
          nameservers.push({ address: first, port: dnsPort });
        }
        break;
      // The last of the two words wins, with all it names.
      case "domain":
        searchDomains = namesOf([first]);
        break;
      case "search":
        searchDomains = namesOf(words);
        break;
    }
  }
  return { nameservers, searchDomains };
}

function namesOf(words: readonly string[]): string[] {
  const names = words.slice(0, searchDomainLimit).flatMap((word) => normalizeName(word) ?? []);
  return [...new Set(names)];
}
