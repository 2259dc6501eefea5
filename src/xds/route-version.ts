// The version of a route configuration that is put together from virtual hosts: the same wherever it is put together.
import { contentHash } from "../kernel/hash.ts";

/**
 * A hash of what the parts hash to, so that whoever has their versions need not read their bytes.
 *
 * @param head the encoded route configuration without virtual hosts
 * @param versions of the virtual hosts, in order; hashes of their encoded bytes
 */
export function routeConfigurationVersion(head: Uint8Array, versions: readonly string[]): string {
  return contentHash(head, versions.join(" "));
}
