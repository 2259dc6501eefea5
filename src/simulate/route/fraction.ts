// envoy.type.v3.FractionalPercent in percent.
import {
  FractionalPercent_DenominatorType as Denominator,
  type FractionalPercent,
} from "../../../gen/envoy/type/v3/percent_pb.ts";

/** 0 where absent. */
export function percentOf(fraction: FractionalPercent | undefined): number {
  if (fraction === undefined) return 0;
  const { numerator, denominator } = fraction;
  if (denominator === Denominator.HUNDRED) return numerator;
  return denominator === Denominator.TEN_THOUSAND ? numerator / 100 : numerator / 10_000;
}
