// Paths of rules: exact, with a wildcard at one end, or templates with `{*}` and `{**}`.

const oneSegment = "{*}";
const anySegments = "{**}";

/** What Envoy takes between slashes of a template (RFC 3986 pchar, without the wildcard). */
const literalSegment = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=]*$/;

/** Why the path can be neither matched as text nor as a template; undefined where it is fine. */
export function pathFault(path: string): string | undefined {
  const segments = path.split("/");
  const operators = segments.filter(isOperator);
  for (const segment of segments) {
    if (isOperator(segment)) continue;
    if (/[{}]/.test(segment)) return `braces may only form whole segments ${oneSegment} and ${anySegments}`;
    if (operators.length > 0 && !literalSegment.test(segment)) {
      return `segments beside ${oneSegment} and ${anySegments} must be plain path characters, without *`;
    }
  }
  if (operators.length === 0) return undefined;
  if (!path.startsWith("/")) return "a template begins with /";
  if (segments.slice(1, -1).includes("")) return "a template has no empty segments";
  const last = operators.indexOf(anySegments);
  return last >= 0 && last < operators.length - 1 ? `nothing variable may follow ${anySegments}` : undefined;
}

function isOperator(segment: string): boolean {
  return segment === oneSegment || segment === anySegments;
}

/** True where the path is a template rather than text. */
export function isPathTemplate(path: string): boolean {
  return path.split("/").some(isOperator);
}
