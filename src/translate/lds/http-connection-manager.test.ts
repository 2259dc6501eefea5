import assert from "node:assert/strict";
import { it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ListenerSchema } from "../../../gen/envoy/config/listener/v3/listener_pb.ts";
import { HttpConnectionManagerSchema } from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { goldenCases, openCase, readCase } from "../golden-case.fake.ts";

/** Where the listeners' route configurations come from. */
function routeSources(listener: Uint8Array) {
  const { filterChains, defaultFilterChain } = fromBinary(ListenerSchema, listener);
  const chains = defaultFilterChain === undefined ? filterChains : [...filterChains, defaultFilterChain];
  return chains
    .flatMap(({ filters }) => filters)
    .flatMap(({ configType }) => {
      if (configType.case !== "typedConfig") return [];
      const specifier = anyUnpack(configType.value, HttpConnectionManagerSchema)?.routeSpecifier;
      return specifier?.case === "rds" ? [specifier.value.configSource] : [];
    });
}

it("a listener does not wait without end for its route configuration: none would open meanwhile (ADR 0014)", () => {
  const sources = goldenCases().flatMap((name) =>
    [...openCase(readCase(name).input).view.resources(typeUrls.listener).values()].flatMap(({ body }) =>
      routeSources(body),
    ),
  );
  assert.ok(sources.length > 0);
  for (const source of sources) {
    assert.equal(source?.configSourceSpecifier.case, "ads");
    assert.equal(source?.initialFetchTimeout, undefined);
  }
});
