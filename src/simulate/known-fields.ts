// Guards against answers that leave something out: a field that decides and is not looked at is an error, not a guess.
import { type DescMessage, fromBinary, isFieldSet, type MessageShape } from "@bufbuild/protobuf";
import { type Any, anyIs } from "@bufbuild/protobuf/wkt";
import { describeError } from "../kernel/error.ts";
import { simulateErrors } from "./errors.ts";

/**
 * @param known Envoy's names of the fields that the caller looks at, or knows not to matter
 * @throws LateenError LAT2201 where any other field is set
 */
export function onlyFields<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  known: ReadonlySet<string>,
): void {
  for (const field of schema.fields) {
    if (known.has(field.name) || !isFieldSet(message, field)) continue;
    throw simulateErrors.cannotSimulate(`cannot simulate ${schema.typeName}.${field.name}`);
  }
}

/**
 * The message inside an extension's configuration.
 *
 * @throws LateenError LAT2201 where it is of another type, LAT2203 where its bytes are broken
 */
export function unpackAs<D extends DescMessage>(schema: D, any: Any | undefined, place: string): MessageShape<D> {
  if (any === undefined || !anyIs(any, schema)) {
    throw simulateErrors.cannotSimulate(`cannot simulate ${any?.typeUrl ?? "a missing configuration"} at ${place}`);
  }
  return decodeMessage(schema, any.value, place);
}

/** @throws LateenError LAT2203 */
export function decodeMessage<D extends DescMessage>(schema: D, bytes: Uint8Array, place: string): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw simulateErrors.brokenResource(`${place} is no ${schema.typeName}: ${describeError(cause)}`, { cause });
  }
}
