// Percentages: istio.networking.v1alpha3.Percent and its older whole-number form.
import { integer, number, object, type Rule } from "../schema.ts";

const inRange: Rule<number> = {
  message: "must be between 0 and 100",
  test: (value) => value >= 0 && value <= 100,
};

/** `{value: 0.5}`: half a percent. */
export function percent(description: string) {
  return object(
    { value: number({ description: "Percent, 0 to 100; fractions such as 0.1 are allowed.", rules: [inRange] }) },
    { description },
  );
}

/** A whole percentage; fields of this form are superseded by `percent`. */
export function wholePercent(
  format: "int32" | "uint32",
  options: { description: string; pending?: boolean; deprecated?: boolean },
) {
  return integer(format, { ...options, rules: [inRange] });
}
