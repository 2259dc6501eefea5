// What an unquoted YAML scalar means.

/**
 * The value of a plain scalar, as kubectl reads it: YAML 1.2's core schema (§10.3.2), and YAML 1.1's words for booleans.
 *
 * @returns undefined where it is a number that JSON cannot hold: `.inf`, `.nan`, `1e999`, and `010`, which is eight to
 *   some readers and ten to others
 */
export function resolvePlain(source: string): string | number | boolean | null | undefined {
  const first = source.charCodeAt(0);
  // Most scalars start with a letter that no number, null or boolean starts with, or are longer than all words.
  if (first >= 0x61 && !(source.length <= 5 && /^[ntfyo~]/.test(source))) return source;
  switch (source) {
    case "":
    case "~":
    case "null":
    case "Null":
    case "NULL":
      return null;
    case "true":
    case "True":
    case "TRUE":
    case "yes":
    case "Yes":
    case "YES":
    case "on":
    case "On":
    case "ON":
      return true;
    case "false":
    case "False":
    case "FALSE":
    case "no":
    case "No":
    case "NO":
    case "off":
    case "Off":
    case "OFF":
      return false;
  }
  if (/^[-+]?(?:0|[1-9][0-9]*)$/.test(source)) return finite(Number(source));
  if (/^[-+]?0[0-9]+$/.test(source)) return undefined;
  if (/^0o[0-7]+$|^0x[0-9a-fA-F]+$/.test(source)) return finite(Number(source));
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(source)) return finite(Number(source));
  if (/^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/.test(source)) return undefined;
  return source;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
