// Numbers of the DNS wire format, as IANA lists them.

export const dnsType = {
  a: 1,
  ns: 2,
  cname: 5,
  soa: 6,
  hinfo: 13,
  aaaa: 28,
  dname: 39,
  opt: 41,
  ixfr: 251,
  axfr: 252,
  any: 255,
} as const;

export const internetClass = 1;

export const rcode = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  /** Extended (RFC 6891): the low four bits are in the header, the rest in the OPT record. */
  badVers: 16,
} as const;

/** Bits of the second header word, RFC 1035 section 4.1.1, RFC 4035 section 3. */
export const dnsFlag = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
  rcode: 0x000f,
} as const;

/** Bytes of a header, which every message starts with. */
export const headerLength = 12;

/** What a UDP message may be without EDNS, RFC 1035 section 4.2.1. */
export const plainUdpLimit = 512;

/** The largest UDP message we send or ask for: it fits into every network's packets unfragmented (DNS flag day 2020). */
export const udpLimit = 1232;

/** A TCP message's length is 16 bits. */
export const tcpLimit = 65_535;
