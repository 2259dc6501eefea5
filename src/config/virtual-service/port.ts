// Port numbers in fields whose CRD allows any uint32.
import { type FieldOptions, integer, object, type Rule } from "../schema.ts";

const inRange: Rule<number> = {
  message: "must be a port between 1 and 65535",
  test: (port) => port >= 1 && port <= 65535,
};

export function portNumber(options: FieldOptions & { description: string }) {
  return integer("uint32", { ...options, rules: [inRange] });
}

const needsNumber: Rule<{ number?: number }> = {
  message: "a port selector needs a number",
  at: "number",
  test: (selector) => selector.number !== undefined,
};

/** istio.networking.v1alpha3.PortSelector: `{number: 8080}`. */
export function portSelector(description: string) {
  return object(
    { number: portNumber({ description: "Number of the service's port, 1 to 65535." }) },
    { description, rules: [needsNumber] },
  );
}
