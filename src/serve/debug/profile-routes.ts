// /debug/pprof: profiles of the control plane, for administrators. Spelled as istiod's, in the formats of V8, which the
// developer tools of browsers and editors open.
import type { ExtraReply, ExtraRequest, ExtraRoute } from "../api/extra-route.ts";
import { StatusError } from "../api/status-error.ts";
import { defaultSeconds, longestSeconds, type Profiler } from "./profiler.ts";

export const pprofHelp =
  "CPU and heap profiles of the control plane, and a snapshot of its heap; see lateen profile --help";
export const pprofUsage = "/profile?seconds=N, /heap?seconds=N";

export function profileRoutes(profiler: Profiler): ExtraRoute[] {
  return [
    {
      method: "GET",
      path: "/debug/pprof/profile",
      handler: async ({ query, signal }) => json(await profiler.cpu(secondsOf(query), signal)),
    },
    {
      method: "GET",
      path: "/debug/pprof/heap",
      handler: async (request) =>
        request.query.get("snapshot") === null
          ? json(await profiler.heap(secondsOf(request.query), request.signal))
          : snapshot(request, profiler),
    },
  ];
}

function json(text: string): ExtraReply {
  return { text, contentType: "application/json" };
}

/**
 * A snapshot holds the keys of the certificate authority. An administrator may do all that the API offers, but not take the
 * mesh's root away with him: so it is given on the control plane's own host only, where root can read the keys anyway, and
 * never to the holder of a stolen credential elsewhere.
 */
function snapshot({ query, isLocal }: ExtraRequest, profiler: Profiler): ExtraReply {
  if (query.get("snapshot") !== "1") throw new StatusError("badRequest", "snapshot must be 1");
  if (!isLocal) {
    throw new StatusError(
      "forbidden",
      "a heap snapshot holds the private keys of the certificate authority: it is given on the control plane's host only",
    );
  }
  if (query.get("private-keys") !== "included") {
    throw new StatusError(
      "badRequest",
      "a heap snapshot holds private keys, and the control plane stands still while it is made: confirm with private-keys=included",
    );
  }
  return { stream: profiler.snapshot(), contentType: "application/json" };
}

function secondsOf(query: URLSearchParams): number {
  const text = query.get("seconds") ?? String(defaultSeconds);
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > longestSeconds) {
    throw new StatusError("badRequest", `seconds must be from 1 to ${longestSeconds}`);
  }
  return seconds;
}
