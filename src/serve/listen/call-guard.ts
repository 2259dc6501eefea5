// Looks at a unary call at its headers, before its message is taken.
import type { ServerHttp2Stream } from "node:http2";
import type { LateenError } from "../../kernel/error.ts";
import type { Peer } from "../peer.ts";

/** What it returns refuses the call. */
export type CallGuard = (peer: Peer, stream: ServerHttp2Stream) => LateenError | undefined;
