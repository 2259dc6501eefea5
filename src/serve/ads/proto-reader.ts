// Reads the fields of a protobuf message one by one, without making objects of what is not needed.
import { isUtf8 } from "node:buffer";
import { xdsErrors } from "../../xds/errors.ts";
import type { TextList, TextTable } from "./text-table.ts";

/** Wire types (protobuf encoding, "Message Structure"). Groups are not served: proto3 has none. */
const varintType = 0;
const fixed64Type = 1;
const bytesType = 2;
const fixed32Type = 5;

export class ProtoReader {
  private readonly bytes: Buffer;
  private at = 0;
  /** Where the message, or the nested one that is being read, ends. */
  private end: number;
  private wireType = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  /**
   * The number of the next field; 0 at the end.
   *
   * @throws LateenError LAT2002, as all methods do where the bytes are not a message
   */
  field(): number {
    if (this.at >= this.end) return 0;
    const tag = this.readVarint();
    this.wireType = tag & 7;
    const number = Math.floor(tag / 8);
    if (number === 0 || number >= 2 ** 29) throw xdsErrors.badRequest(`field number ${number} does not exist`);
    return number;
  }

  /** The value of a length-delimited field, without a copy. */
  bytesValue(what: string): Uint8Array {
    const start = this.valueStart(what);
    return this.bytes.subarray(start, this.at);
  }

  /** A string field; a copy. */
  stringValue(what: string, limitBytes: number): string {
    const start = this.textStart(what, limitBytes);
    if (!isUtf8(this.bytes.subarray(start, this.at))) throw xdsErrors.badRequest(`${what} is not UTF-8`);
    return this.bytes.toString("utf8", start, this.at);
  }

  /** A string field whose value comes again and again. */
  repeatedText(what: string, limitBytes: number, texts: TextTable, list: TextList): string {
    const start = this.textStart(what, limitBytes);
    const text = texts.get(this.bytes, start, this.at, list);
    if (text === undefined) throw xdsErrors.badRequest(`${what} is not UTF-8`);
    return text;
  }

  /** Goes into a nested message: `field` gives its fields until `leave` is called with what this returns. */
  enter(what: string): number {
    const outer = this.end;
    const start = this.valueStart(what);
    this.end = this.at;
    this.at = start;
    return outer;
  }

  leave(outer: number): void {
    this.at = this.end;
    this.end = outer;
  }

  /** An int32 or enum field. */
  intValue(what: string): number {
    if (this.wireType !== varintType) throw xdsErrors.badRequest(`${what} has wire type ${this.wireType}`);
    return this.readVarint64();
  }

  /** Passes over the field that `field` announced. */
  skip(): void {
    switch (this.wireType) {
      case varintType:
        this.readVarint64();
        return;
      case fixed64Type:
        this.advance(8);
        return;
      case bytesType:
        this.bytesValue("an unknown field");
        return;
      case fixed32Type:
        this.advance(4);
        return;
      default:
        throw xdsErrors.badRequest(`wire type ${this.wireType} is not served`);
    }
  }

  private textStart(what: string, limitBytes: number): number {
    const start = this.valueStart(what);
    if (this.at - start > limitBytes) throw xdsErrors.badRequest(`${what} is longer than ${limitBytes} bytes`);
    return start;
  }

  /** Passes over a length-delimited value; returns where it starts. */
  private valueStart(what: string): number {
    if (this.wireType !== bytesType) throw xdsErrors.badRequest(`${what} has wire type ${this.wireType}`);
    const length = this.readVarint();
    if (length > this.end - this.at) throw xdsErrors.badRequest(`${what} is cut off`);
    const start = this.at;
    this.at += length;
    return start;
  }

  private advance(count: number): void {
    if (count > this.end - this.at) throw xdsErrors.badRequest("a field is cut off");
    this.at += count;
  }

  /** A tag or a length: both fit 32 bits. */
  private readVarint(): number {
    const first = this.at < this.end ? (this.bytes[this.at] as number) : 0x80;
    if (first < 0x80) {
      this.at += 1;
      return first;
    }
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.at < this.end ? this.bytes[this.at++] : undefined;
      if (byte === undefined) throw xdsErrors.badRequest("a number is cut off");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value >= 2 ** 32) break;
        return value;
      }
    }
    throw xdsErrors.badRequest("a tag or a length is longer than 32 bits");
  }

  /** Up to 64 bits, of which the lower 32 are given, signed. */
  private readVarint64(): number {
    let low = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.at < this.end ? this.bytes[this.at++] : undefined;
      if (byte === undefined) throw xdsErrors.badRequest("a number is cut off");
      if (shift < 32) low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return low;
    }
    throw xdsErrors.badRequest("a number is longer than 64 bits");
  }
}
