import assert from "node:assert/strict";
import { isIP, SocketAddress } from "node:net";
import { suite, test } from "node:test";
import fc from "fast-check";
import { cidrContains, formatCidr, formatIp, isIpAddress, parseCidr, parseIp, unmapped } from "./ip-address.ts";

const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

test("addresses survive text and back, spelled as the C library spells them", () => {
  fc.assert(
    fc.property(fc.oneof(bytes16, fc.uint8Array({ minLength: 4, maxLength: 4 }), sparse()), (bytes) => {
      const text = formatIp(bytes);
      assert.deepEqual(parseIp(text), bytes);
      const family = bytes.length === 4 ? "ipv4" : "ipv6";
      const canonical = new SocketAddress({ address: text, family }).address;
      // inet_ntop writes mapped and compatible addresses with a dotted tail, which RFC 5952 leaves open.
      if (!canonical.includes(".") || family === "ipv4") assert.equal(text, canonical);
      else assert.deepEqual(parseIp(canonical), bytes);
    }),
  );
});

function sparse(): fc.Arbitrary<Uint8Array> {
  return fc.tuple(bytes16, bytes16).map(([a, b]) => a.map((byte, i) => ((b[i] ?? 0) > 60 ? 0 : byte)));
}

test("text that is no address is refused", () => {
  for (const text of [
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "fe80::1%eth0",
    "::1::",
    "0x7f.1",
    " 1.2.3.4",
    "1.2.3.4\n",
  ]) {
    assert.equal(parseIp(text), undefined, text);
  }
});

test("a CIDR block loses its host bits", () => {
  assert.equal(formatCidr(parseCidr("10.1.2.3/8") as never), "10.0.0.0/8");
  assert.equal(formatCidr(parseCidr("10.1.2.3/31") as never), "10.1.2.2/31");
  assert.equal(formatCidr(parseCidr("fd00:1:2::3/33") as never), "fd00:1::/33");
  assert.equal(formatCidr(parseCidr("255.1.1.1/0") as never), "0.0.0.0/0");
  assert.equal(formatCidr(parseCidr("10.1.2.3") as never), "10.1.2.3/32");
});

test("text that is no CIDR block is refused", () => {
  for (const text of [
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/08",
    "10.0.0.0/8/8",
    "/8",
    "a/8",
  ]) {
    assert.equal(parseCidr(text), undefined, text);
  }
});

test("a block holds its own addresses and no others", () => {
  fc.assert(
    fc.property(bytes16, fc.integer({ min: 0, max: 128 }), fc.integer({ min: 0, max: 127 }), (bytes, prefix, bit) => {
      const cidr = parseCidr(`${formatIp(bytes)}/${prefix}`);
      assert.ok(cidr !== undefined && cidrContains(cidr, bytes));
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
      assert.equal(cidrContains(cidr, flipped), bit >= prefix);
      assert.equal(cidrContains(cidr, bytes.slice(0, 4)), false);
    }),
  );
});

suite("isIpAddress", () => {
  for (const text of ["10.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "1::", "fd00::7:0:1", "::ffff:10.0.0.1"]) {
    test(`${text} is one`, () => assert.ok(isIpAddress(text) && isIP(text) !== 0));
  }
  for (const text of ["", "10.0.0.1.", "1.2.3", "1.2.3.4.5", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:", "::g"]) {
    test(`${JSON.stringify(text)} is none`, () => assert.ok(!isIpAddress(text) && isIP(text) === 0));
  }

  test("says what Node's own reading says", () => {
    const part = fc.constantFrom("0", "1", "00", "01", "255", "256", "ffff", "10000", "", "1.2.3.4", "01.2.3.4", "g");
    const separator = fc.constantFrom(":", "::", ".", "");
    const text = fc.array(fc.tuple(part, separator), { maxLength: 9 }).map((list) => list.flat().join(""));
    fc.assert(
      fc.property(text, (address) => assert.equal(isIpAddress(address), isIP(address) !== 0)),
      { numRuns: 20_000, examples: [["1.2.3.4::"], ["01.2.3.4"]] },
    );
  });
});

test("an IPv4 address mapped into IPv6 is that address, and no other is changed", () => {
  const spelled = (text: string): string => formatIp(unmapped(parseIp(text) ?? new Uint8Array()));
  assert.equal(spelled("::ffff:192.0.2.1"), "192.0.2.1");
  for (const text of ["192.0.2.1", "::192.0.2.1", "2001:db8::1", "64:ff9b::192.0.2.1"]) {
    assert.deepEqual(unmapped(parseIp(text) ?? new Uint8Array()), parseIp(text), text);
  }
});
