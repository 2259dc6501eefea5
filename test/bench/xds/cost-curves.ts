// What a change costs as one thing about the mesh grows and all else stays: it should cost what changed, times who sees it.

import { typeUrls } from "../../../src/xds/type-url.ts";
import { hostOf, type LargeMesh, moveEndpoint, writeMesh, writeRouting } from "../../kit/large-mesh.ts";
import { Fleet } from "./fleet.ts";
import { monotonicMs } from "./fleet-messages.ts";
import { MeasuredControlPlane } from "./measured-control-plane.ts";
import { foreignNodes } from "./sidecar-nodes.ts";
import { spreadOf } from "./spread.ts";

interface ChangeCost {
  lastMs: number;
  cpuMs: number;
  /** Of all proxies together. */
  bytes: number;
}

export interface CurvePoint {
  name: string;
  /** All of its mesh. */
  mesh: string;
  /** Of all proxies together. */
  firstSyncCpuMs: number;
  endpoint: ChangeCost;
  route: ChangeCost;
  residentMb: number;
}

interface Shape extends LargeMesh {
  proxies: number;
  /** Namespaces that the proxies are of, each a view of its own. */
  scopes: number;
}

/** What stays where another thing grows. */
const middle: Shape = { services: 200, endpoints: 10, routed: 20, proxies: 100, scopes: 1 };

const shapes: readonly [name: string, shape: Partial<Shape>][] = [
  ...[100, 1_000, 10_000].map((services): [string, Partial<Shape>] => [
    `${services} services`,
    { services, proxies: 20 },
  ]),
  ...[10, 100, 1_000].map((endpoints): [string, Partial<Shape>] => [
    `${endpoints} endpoints a service`,
    { endpoints, services: 100, proxies: 20 },
  ]),
  ...[100, 1_000, 5_000].map((proxies): [string, Partial<Shape>] => [`${proxies} proxies`, { proxies }]),
  ...[1, 10, 100, 1_000].map((scopes): [string, Partial<Shape>] => [
    `${scopes} scopes`,
    { scopes, proxies: 1_000, services: 50 },
  ]),
];

/** Changes of each kind, of which the median counts. */
const changes = 5;
/** Until acknowledgements are taken, milliseconds. */
const restMs = 500;

export async function measureCurves(onPoint: (point: CurvePoint) => void): Promise<CurvePoint[]> {
  const points: CurvePoint[] = [];
  for (const [name, shape] of shapes) {
    const point = await measurePoint(name, { ...middle, ...shape });
    points.push(point);
    onPoint(point);
  }
  return points;
}

async function measurePoint(name: string, shape: Shape): Promise<CurvePoint> {
  const control = new MeasuredControlPlane();
  const fleet = new Fleet();
  const folder = control.run.configDir;
  const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, restMs));
  const measure = async (typeUrl: string, resource: string, write: () => void): Promise<ChangeCost> => {
    const { whole } = fleet.watch(typeUrl, resource);
    await fleet.figures();
    const before = await control.figures();
    const startMs = monotonicMs();
    write();
    const { lastMs } = await whole;
    await rest();
    const after = await control.figures();
    const { bytes } = await fleet.figures();
    return { lastMs: lastMs - startMs, cpuMs: after.cpuMs - before.cpuMs, bytes };
  };
  const repeat = async (once: (round: number) => Promise<ChangeCost>): Promise<ChangeCost> => {
    const costs: ChangeCost[] = [];
    for (let round = 0; round <= changes; round++) {
      const cost = await once(round);
      if (round > 0) costs.push(cost); // the first finds code cold
    }
    const median = (pick: (cost: ChangeCost) => number): number => spreadOf(costs.map(pick)).median;
    return {
      lastMs: median((cost) => cost.lastMs),
      cpuMs: median((cost) => cost.cpuMs),
      bytes: median((cost) => cost.bytes),
    };
  };
  try {
    writeMesh(folder, shape);
    await control.up();
    await rest();
    const nodes = foreignNodes(shape.proxies, 0, (index) =>
      shape.scopes === 1 ? "mesh" : `team-${index % shape.scopes}`,
    );
    const before = await control.figures();
    await fleet.connect(control.url, nodes, { way: "parts" });
    await rest();
    const after = await control.figures();
    await control.collectGarbage();
    const residentMb = control.residentMb;
    const last = shape.services - 1;
    const endpoint = await repeat((round) =>
      measure(typeUrls.endpoint, `outbound|8080||${hostOf(last)}`, () => {
        moveEndpoint(folder, shape, last, `10.250.0.${round + 1}`);
      }),
    );
    const route = await repeat((round) =>
      measure(typeUrls.routePart, `8080/${hostOf(1)}:8080`, () => {
        writeRouting(folder, 1, 20 + round);
      }),
    );
    const mesh = `${shape.proxies} × ${shape.services} × ${shape.endpoints}`;
    return { name, mesh, firstSyncCpuMs: after.cpuMs - before.cpuMs, endpoint, route, residentMb };
  } finally {
    await fleet.stop();
    await control.stop();
  }
}
