// Writes the few protobuf fields that responses are made of, into buffers of exactly the right length.
import { utf8 } from "../../kernel/bytes.ts";

/** A length-delimited field: its number and its bytes. */
export type Field = readonly [number: number, value: Uint8Array | string];

/**
 * The fields one after the other; empty strings are left out, as proto3 does.
 *
 * @param room bytes left free in front
 */
export function encodeFields(fields: readonly Field[], room = 0): Uint8Array<ArrayBuffer> {
  const values: (readonly [number: number, value: Uint8Array])[] = [];
  let size = room;
  for (const [number, value] of fields) {
    if (value === "") continue;
    const bytes = typeof value === "string" ? utf8(value) : value;
    values.push([number, bytes]);
    size += headLength(number, bytes.length) + bytes.length;
  }
  const encoded = new Uint8Array(size);
  let at = room;
  for (const [number, value] of values) {
    at = writeHead(encoded, at, number, value.length);
    encoded.set(value, at);
    at += value.length;
  }
  return encoded;
}

/** The fields, and after them only the tag and length of one more, whose value the caller sends itself. */
export function encodeHead(fields: readonly Field[], last: { number: number; length: number }): Uint8Array {
  const first = encodeFields(fields);
  const bytes = new Uint8Array(first.length + headLength(last.number, last.length));
  bytes.set(first);
  writeHead(bytes, first.length, last.number, last.length);
  return bytes;
}

function headLength(number: number, length: number): number {
  return varintLength(number * 8 + 2) + varintLength(length);
}

function writeHead(bytes: Uint8Array, at: number, number: number, length: number): number {
  return writeVarint(bytes, writeVarint(bytes, at, number * 8 + 2), length);
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) + 0x80;
  bytes[at++] = rest;
  return at;
}
