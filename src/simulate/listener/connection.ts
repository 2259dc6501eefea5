// A connection as a listener sees it.

export interface Connection {
  readonly destinationPort: number;
  /** Needed only where a filter chain asks for it. */
  readonly destinationIp?: string;
  /** Needed only where a filter chain asks for it. */
  readonly sourceIp?: string;
  /** Absent where the bytes are not TLS. */
  readonly tls?: ClientHello;
  /** The client waits for the server's first bytes, as MySQL's and SMTP's clients do. */
  readonly serverSpeaksFirst?: boolean;
}

/** What a client offers in its ClientHello. */
export interface ClientHello {
  /** Empty where the client sends none. */
  readonly sni: string;
  /** In the client's order; empty where it offers none. */
  readonly alpn: readonly string[];
}
