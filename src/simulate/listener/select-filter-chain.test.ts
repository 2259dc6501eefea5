import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { FilterChainMatch_ConnectionSourceType as SourceType } from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { type Listener, ListenerSchema } from "../../../gen/envoy/config/listener/v3/listener_pb.ts";
import type { Connection } from "./connection.ts";
import { selectFilterChain } from "./select-filter-chain.ts";

type Match = NonNullable<
  NonNullable<MessageInitShape<typeof ListenerSchema>["filterChains"]>[number]["filterChainMatch"]
>;

/** A chain for each match, named by its place; `fallback` is the default chain. */
function listener(matches: readonly Match[], fallback = false): Listener {
  return create(ListenerSchema, {
    filterChains: matches.map((filterChainMatch, index) => ({ name: String(index), filterChainMatch })),
    ...(fallback ? { defaultFilterChain: { name: "fallback" } } : {}),
  });
}

const block = (text: string) => {
  const [addressPrefix = "", prefixLen] = text.split("/");
  return { addressPrefix, prefixLen: Number(prefixLen) };
};

const plain: Connection = { destinationPort: 80, destinationIp: "10.1.2.3", sourceIp: "192.168.0.1" };

function chosen(from: Listener, to: Partial<Connection> = {}): string | undefined {
  const connection = { ...plain, ...to };
  const { tls } = connection;
  return selectFilterChain(from, connection, {
    kind: "known",
    transportProtocol: tls === undefined ? "raw_buffer" : "tls",
    serverName: tls?.sni ?? "",
    applicationProtocols: tls?.alpn ?? [],
  })?.chain.name;
}

const tls = (sni: string, ...alpn: string[]) => ({ tls: { sni, alpn } });

describe("selectFilterChain", () => {
  it("takes the chain of the port before one of any port, and never goes back", () => {
    const ports = listener([{}, { destinationPort: 80 }, { destinationPort: 81, transportProtocol: "tls" }]);
    assert.deepEqual([chosen(ports), chosen(ports, { destinationPort: 82 })], ["1", "0"]);
    assert.equal(chosen(ports, { destinationPort: 81 }), undefined);
  });

  it("takes the longest block of the destination, and never goes back", () => {
    const blocks = listener([
      { prefixRanges: [block("10.0.0.0/8")] },
      { prefixRanges: [block("10.1.0.0/16"), block("172.16.0.0/12")] },
      {},
      { prefixRanges: [block("10.1.9.0/24")], transportProtocol: "tls" },
    ]);
    const at = (destinationIp: string) => chosen(blocks, { destinationIp });
    assert.deepEqual(["10.1.2.3", "10.2.2.3", "172.20.1.1", "8.8.8.8"].map(at), ["1", "0", "1", "2"]);
    assert.equal(at("10.1.9.1"), undefined);
  });

  it("takes the exact server name, the longest wildcard, or any", () => {
    const names = listener([
      {},
      { serverNames: ["*.com"] },
      { serverNames: ["*.example.com"] },
      { serverNames: ["a.example.com", "b.org"] },
    ]);
    const at = (sni: string) => chosen(names, tls(sni));
    assert.deepEqual(
      ["a.example.com", "b.example.com", "x.y.example.com", "example.com", "b.org", "c.org", ""].map(at),
      ["3", "2", "2", "1", "3", "0", "0"],
    );
  });

  it("takes the transport protocol, then the client's first protocol that any chain names", () => {
    const chains = listener([
      { transportProtocol: "tls", applicationProtocols: ["h2"] },
      { transportProtocol: "tls", applicationProtocols: ["istio", "http/1.1"] },
      { transportProtocol: "tls" },
      { transportProtocol: "raw_buffer" },
    ]);
    assert.equal(chosen(chains), "3");
    assert.equal(chosen(chains, tls("", "istio", "h2")), "1");
    assert.equal(chosen(chains, tls("", "x", "h2", "istio")), "0");
    assert.equal(chosen(chains, tls("", "x")), "2");
    assert.equal(chosen(chains, tls("")), "2");
  });

  it("takes the block of the source last", () => {
    const sources = listener([{ sourcePrefixRanges: [block("192.168.0.0/16")] }, {}]);
    assert.deepEqual([chosen(sources), chosen(sources, { sourceIp: "10.0.0.1" })], ["0", "1"]);
  });

  it("falls back to the default chain", () => {
    assert.equal(chosen(listener([{ destinationPort: 81 }], true)), "fallback");
    assert.equal(chosen(listener([{ destinationPort: 80, transportProtocol: "tls" }], true)), "fallback");
  });

  it("asks for what decides, and refuses what it does not know", () => {
    const { sourceIp: _, ...unknown } = plain;
    const known = { kind: "known", transportProtocol: "raw_buffer", serverName: "", applicationProtocols: [] } as const;
    const sources = listener([{ sourcePrefixRanges: [block("10.0.0.0/8")] }]);
    assert.throws(() => selectFilterChain(sources, unknown, known), { code: "LAT2202" });
    for (const match of [
      { sourcePorts: [1] },
      { sourceType: SourceType.EXTERNAL },
      { directSourcePrefixRanges: [block("10.0.0.0/8")] },
    ]) {
      assert.throws(() => chosen(listener([match])), { code: "LAT2201" }, JSON.stringify(match));
    }
    const matcher = create(ListenerSchema, { filterChainMatcher: {} });
    assert.throws(() => chosen(matcher), { code: "LAT2201", message: /filter_chain_matcher/ });
  });
});
