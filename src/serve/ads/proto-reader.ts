// Reads the fields of a protobuf message one by one, without making objects of what is not needed.
import { isUtf8 } from "node:buffer";
import { xdsErrors } from "../../xds/errors.ts";

/** Wire types (protobuf encoding, "Message Structure"). Groups are not served: proto3 has none. */
const varintType = 0;
const fixed64Type = 1;
const bytesType = 2;
const fixed32Type = 5;

export class ProtoReader {
  private readonly bytes: Buffer;
  private at = 0;
  private wireType = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * The number of the next field; 0 at the end.
   *
   * @throws LateenError LAT2002, as all methods do where the bytes are not a message
   */
  field(): number {
    if (this.at >= this.bytes.length) return 0;
    const tag = this.readVarint();
    this.wireType = tag & 7;
    const number = Math.floor(tag / 8);
    if (number === 0 || number >= 2 ** 29) throw xdsErrors.badRequest(`field number ${number} does not exist`);
    return number;
  }

  /** The value of a length-delimited field, without a copy. */
  bytesValue(what: string): Uint8Array {
    if (this.wireType !== bytesType) throw xdsErrors.badRequest(`${what} has wire type ${this.wireType}`);
    const length = this.readVarint();
    if (length > this.bytes.length - this.at) throw xdsErrors.badRequest(`${what} is cut off`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** A string field; a copy. */
  stringValue(what: string, limitBytes: number): string {
    const bytes = this.bytesValue(what) as Buffer;
    if (bytes.length > limitBytes) throw xdsErrors.badRequest(`${what} is longer than ${limitBytes} bytes`);
    if (!isUtf8(bytes)) throw xdsErrors.badRequest(`${what} is not UTF-8`);
    return bytes.toString("utf8");
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

  private advance(count: number): void {
    if (count > this.bytes.length - this.at) throw xdsErrors.badRequest("a field is cut off");
    this.at += count;
  }

  /** A tag or a length: both fit 32 bits. */
  private readVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.at++];
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
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw xdsErrors.badRequest("a number is cut off");
      if (shift < 32) low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return low;
    }
    throw xdsErrors.badRequest("a number is longer than 64 bits");
  }
}
