// Rejections because of the machine: an address that is taken there, a file that it lacks. They say nothing of the content.

/** Characters of a message that are searched. */
const searchedLength = 4096;
/** As Envoy 1.37 to 1.40 and the C library spell them. */
const ownAffair =
  /cannot bind|address already in use|cannot assign requested address|permission denied|no such file|unable to (?:read|open) file|invalid path|file not found|does not exist on|failed to load (?:private key|certificate)/i;

export function isOwnAffair(message: string): boolean {
  return ownAffair.test(message.slice(0, searchedLength));
}
