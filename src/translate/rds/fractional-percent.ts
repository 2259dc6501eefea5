// Percentages as envoy.type.v3.FractionalPercent, in millionths, so that 0.0001 % is kept.
import { create } from "@bufbuild/protobuf";
import {
  FractionalPercent_DenominatorType as Denominator,
  type FractionalPercent,
  FractionalPercentSchema,
} from "../../../gen/envoy/type/v3/percent_pb.ts";

/** @param percent 0 to 100 */
export function buildFractionalPercent(percent: number): FractionalPercent {
  return create(FractionalPercentSchema, { numerator: Math.round(percent * 10_000), denominator: Denominator.MILLION });
}
