// The process of the fake sidecars: takes orders over IPC (fleet-messages.ts).
import { createSecureContext } from "node:tls";
import { type FleetOrder, type FleetWord, monotonicMs } from "./fleet-messages.ts";
import type { ScannedResponse } from "./scanned-response.ts";
import { Sidecar } from "./sidecar.ts";

interface Member {
  sidecar: Sidecar;
  tls: Parameters<Sidecar["connect"]>[1];
}

const members: Member[] = [];
let incomplete = new Set<Sidecar>();
let connected = new Set<Sidecar>();
let watched: { typeUrl: string; name: string; missing: Set<Sidecar>; times: number[] } | undefined;
/** Who is away since the last order to turn, and where the next turn begins. */
let away: Member[] = [];
let turn = 0;
let bytes = 0;
let responses = 0;
let resources = 0;

const events = {
  response(sidecar: Sidecar, response: ScannedResponse, length: number): void {
    bytes += length;
    responses += 1;
    resources += response.names.length;
    if (watched === undefined || response.typeUrl !== watched.typeUrl) return;
    if (!response.names.includes(watched.name) || !watched.missing.delete(sidecar)) return;
    watched.times.push(monotonicMs());
    if (watched.missing.size === 0) finishWatch(watched.times);
  },
  complete(sidecar: Sidecar): void {
    connected.add(sidecar);
    if (incomplete.delete(sidecar) && incomplete.size === 0) tell({ tell: "complete", atMs: monotonicMs() });
  },
  ended(sidecar: Sidecar): void {
    connected.delete(sidecar);
  },
};

function finishWatch(times: readonly number[]): void {
  watched = undefined;
  const [firstMs = 0] = times;
  tell({ tell: "watched", firstMs, medianMs: times[times.length >> 1] ?? 0, lastMs: times.at(-1) ?? 0 });
}

function tell(word: FleetWord): void {
  process.send?.(word);
}

function resetCounts(): void {
  bytes = 0;
  responses = 0;
  resources = 0;
}

function connectAll(which: readonly Member[], url: string): void {
  incomplete = new Set(which.map(({ sidecar }) => sidecar));
  for (const { sidecar, tls } of which) sidecar.connect(url, tls);
}

process.on("message", (order: FleetOrder) => {
  switch (order.do) {
    case "connect": {
      resetCounts();
      const added = order.nodes.map(({ id, metadata, cert, key }) => {
        const tls =
          cert === undefined
            ? {}
            : { secureContext: createSecureContext({ ca: order.ca, cert, key, minVersion: "TLSv1.3" }) };
        return { sidecar: new Sidecar({ id, metadata }, order.way, events), tls };
      });
      members.push(...added);
      connectAll(added, order.url);
      break;
    }
    case "watch":
      resetCounts();
      watched = {
        typeUrl: order.typeUrl,
        name: order.name,
        missing: new Set(members.map(({ sidecar }) => sidecar)),
        times: [],
      };
      break;
    case "drop":
      resetCounts();
      connected = new Set();
      away = [];
      incomplete = new Set();
      for (const { sidecar } of members) sidecar.drop();
      tell({ tell: "dropped", atMs: monotonicMs() });
      break;
    case "reconnect":
      connectAll(members, order.url);
      break;
    case "turn": {
      for (const { sidecar, tls } of away) {
        incomplete.add(sidecar);
        sidecar.connect(order.url, tls);
      }
      away = Array.from({ length: Math.min(order.count, members.length) }, () => {
        const next = members[turn++ % members.length] as Member;
        incomplete.delete(next.sidecar);
        connected.delete(next.sidecar);
        next.sidecar.drop();
        return next;
      });
      tell({ tell: "turned" });
      break;
    }
    case "figures": {
      const { user, system } = process.cpuUsage();
      const counts = { bytes, responses, resources, connected: connected.size, incomplete: incomplete.size };
      const figures = { ...counts, cpuMs: (user + system) / 1000 };
      tell({ tell: "figures", figures });
    }
  }
});
process.on("disconnect", () => process.exit());
