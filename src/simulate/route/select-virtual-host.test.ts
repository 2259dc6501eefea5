import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "../../../gen/envoy/config/route/v3/route_pb.ts";
import { selectVirtualHost } from "./select-virtual-host.ts";

function chosen(domains: readonly string[][], authority: string, ignorePortInHostMatching = true): string | undefined {
  const routes = create(RouteConfigurationSchema, {
    ignorePortInHostMatching,
    virtualHosts: domains.map((list, index) => ({ name: String(index), domains: list })),
  });
  return selectVirtualHost(routes, authority)?.virtualHost.name;
}

describe("selectVirtualHost", () => {
  it("takes the exact domain, the longest suffix, the longest prefix, then any", () => {
    const hosts = [["*"], ["a.*"], ["a.b.*"], ["*.com"], ["*.b.com"], ["a.b.com", "other"]];
    for (const [authority, expected] of [
      ["a.b.com", "5"],
      ["x.b.com", "4"],
      ["a.x.com", "3"],
      ["a.b.org", "2"],
      ["a.x.org", "1"],
      ["x.y.org", "0"],
      ["other", "5"],
    ] as const) {
      assert.equal(chosen(hosts, authority), expected, authority);
    }
  });

  it("does not care for case, nor for the port where the configuration says so", () => {
    assert.equal(chosen([["Web.Example"]], "wEB.example:8080"), "0");
    assert.equal(chosen([["web"]], "web:80", false), undefined);
    assert.equal(chosen([["web:80"]], "web:80", false), "0");
    assert.equal(chosen([["[2001:db8::1]"]], "[2001:db8::1]:80"), "0");
    assert.equal(chosen([["[2001:db8::1]"]], "[2001:db8::1]"), "0");
  });

  it("needs something in place of a wildcard", () => {
    assert.equal(chosen([["*.com"]], ".com"), undefined);
    assert.equal(chosen([["*.com"]], "com"), undefined);
  });

  it("refuses what it does not know", () => {
    const routes = create(RouteConfigurationSchema, { vhds: {} });
    assert.throws(() => selectVirtualHost(routes, "a"), { code: "LAT2201", message: /RouteConfiguration\.vhds/ });
  });
});
