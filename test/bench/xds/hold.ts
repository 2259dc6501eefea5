// How many proxies one control plane holds, and what they cost while nothing happens.
import { type LargeMesh, writeMesh } from "../../kit/large-mesh.ts";
import { Fleet } from "./fleet.ts";
import { MeasuredControlPlane } from "./measured-control-plane.ts";
import { foreignNodes, withCertificates } from "./sidecar-nodes.ts";

export interface HoldFigures {
  proxies: number;
  mtls: boolean;
  connected: number;
  residentMb: number;
  heapMb: number;
}

/** Until garbage of the first synchronisation is collected, milliseconds. */
const restMs = 5_000;

export async function hold(mesh: LargeMesh, proxies: number, mtls: boolean): Promise<HoldFigures> {
  const control = new MeasuredControlPlane();
  const fleet = new Fleet();
  try {
    writeMesh(control.run.configDir, mesh);
    await control.up();
    const plain = foreignNodes(proxies);
    const { nodes, ca } = mtls ? await withCertificates(plain, control.run.dataDir) : { nodes: plain, ca: undefined };
    await fleet.connect(mtls ? control.run.addresses.xds : control.url, nodes, { way: "whole", ca });
    await new Promise((resolve) => setTimeout(resolve, restMs));
    await control.collectGarbage();
    const { heapMb } = await control.figures();
    const { connected } = await fleet.figures();
    return { proxies, mtls, connected, residentMb: control.residentMb, heapMb };
  } finally {
    await fleet.stop();
    await control.stop();
  }
}
