// Finds out how rules are loaded on this host.
import type { CaptureBackend } from "./capture-backend.ts";
import { captureErrors } from "./errors.ts";
import { findProgram, programFolders } from "./find-program.ts";
import { iptablesBackend } from "./iptables-backend.ts";
import { nftBackend } from "./nft-backend.ts";

/**
 * nftables where nft is installed, else iptables.
 *
 * @param prefix in front of every program; `nsenter --net=…` for another network namespace
 * @param folders where programs are looked for
 * @throws LateenError LAT4105
 */
export function detectBackend(
  prefix: readonly string[] = [],
  folders: readonly string[] = programFolders,
): CaptureBackend {
  const find = (name: string): string | undefined => findProgram(name, folders);
  const pair = (name: string): { restore: string; save: string } | undefined => {
    const [restore, save] = [find(`${name}-restore`), find(`${name}-save`)];
    return restore === undefined || save === undefined ? undefined : { restore, save };
  };
  const nft = find("nft");
  if (nft !== undefined) return nftBackend([...prefix, nft]);
  const ipv4 = pair("iptables");
  if (ipv4 !== undefined) return iptablesBackend({ prefix, ipv4, ipv6: pair("ip6tables") });
  throw captureErrors.noBackend(`neither nft nor iptables-restore is in ${folders.join(", ")}`);
}
