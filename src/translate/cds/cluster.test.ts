import assert from "node:assert/strict";
import { it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { goldenCases, openCase, readCase } from "../golden-case.fake.ts";

it("a cluster does not wait without end for its load assignment: no listener would open meanwhile (ADR 0014)", () => {
  const sources = goldenCases().flatMap((name) =>
    [...openCase(readCase(name).input).view.resources(typeUrls.cluster).values()].flatMap(
      ({ body }) => fromBinary(ClusterSchema, body).edsClusterConfig?.edsConfig ?? [],
    ),
  );
  assert.ok(sources.length > 0);
  for (const source of sources) {
    assert.equal(source.configSourceSpecifier.case, "ads");
    assert.equal(source.initialFetchTimeout, undefined);
  }
});
