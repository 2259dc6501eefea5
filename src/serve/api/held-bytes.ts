// About how much memory plain data takes.

/** An object or list, and one of its members or items, bytes. */
const objectBytes = 24;
const memberBytes = 8;
const textBytes = 16;

/** Texts of one byte a character are the rule; what is shared with other data is counted as well. */
export function heldBytes(value: unknown): number {
  if (typeof value === "string") return textBytes + value.length;
  if (typeof value !== "object" || value === null) return 0;
  let bytes = objectBytes;
  for (const member of Object.values(value)) bytes += memberBytes + heldBytes(member);
  return bytes;
}
