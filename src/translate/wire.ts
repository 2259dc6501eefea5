// Protobuf wire format, as far as encoded messages are put together without decoding them.

/**
 * The tag and length before a length-delimited field, and the field's bytes.
 *
 * @param field number, 1 to 2^28
 */
export function lengthDelimited(field: number, body: Uint8Array): [Uint8Array, Uint8Array] {
  const header: number[] = [];
  writeVarint(header, field * 8 + 2);
  writeVarint(header, body.length);
  return [Uint8Array.from(header), body];
}

function writeVarint(out: number[], value: number): void {
  let rest = value;
  while (rest > 127) {
    out.push((rest & 127) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}
