// What Envoy says of a message that breaks a constraint of its protobuf definition: all of the message as text, and at its
// end which field, from the outermost in. The dump may be megabytes; the end is what counts.

/** A field that breaks a constraint, and how. */
export interface BrokenConstraint {
  /** `VirtualHosts[0]`, `Routes[2]`, `Redirect`, `PathRedirect`: fields in Go's spelling, as Envoy prints them. */
  readonly path: readonly string[];
  readonly reason: string;
}

const opening = "Proto constraint validation failed (";
const separator = " | caused by ";

/** Undefined where the message is another one. */
export function brokenConstraint(message: string): BrokenConstraint | undefined {
  const start = message.lastIndexOf(opening);
  if (start === -1) return undefined;
  const chain = message
    .slice(start + opening.length)
    .trimEnd()
    .replace(/\)$/, "")
    .split(separator);
  const path: string[] = [];
  let reason = "";
  for (const link of chain) {
    const match = /^\w+ValidationError\.([\w[\]]+): (.*)$/s.exec(link);
    if (match === null) return undefined;
    path.push(match[1] ?? "");
    reason = match[2] ?? "";
  }
  return { path, reason };
}

/** The message for a reader: without dumps, on one line. */
export function envoyWords(message: string): string {
  const broken = brokenConstraint(message);
  if (broken !== undefined) return `${broken.path.join(".")}: ${broken.reason}`;
  return message.replaceAll(/\s+/g, " ").trim();
}

/** Which virtual host of a route configuration is meant, where that is said. */
export function virtualHostIndex(message: string): number | undefined {
  for (const step of brokenConstraint(message)?.path ?? []) {
    const match = /^VirtualHosts\[(\d+)\]$/.exec(step);
    if (match !== null) return Number(match[1]);
  }
  return undefined;
}
