// What is kept of a registered machine, so that a control plane that starts again still knows it.
import { parseSpiffeId } from "../../identity/spiffe-id.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import type { Machine } from "./machine.ts";

export type MachineRecord = Omit<Machine, "state">;

const layout = 1;

export function encodeMachineRecord({ node, ...machine }: MachineRecord): string {
  return JSON.stringify({ layout, ...machine, node: { ...node, capabilities: [...node.capabilities] } });
}

/** Undefined where the text is not a record of this layout: the machine registers again when it connects. */
export function decodeMachineRecord(text: string): MachineRecord | undefined {
  try {
    const {
      layout: version,
      node,
      identity,
      ...machine
    } = JSON.parse(text) as Omit<MachineRecord, "node" | "identity"> & {
      layout: number;
      identity: string;
      node: Omit<NodeInfo, "capabilities"> & { capabilities: string[] };
    };
    if (version !== layout) return undefined;
    return {
      ...machine,
      // Records of before these were kept say neither.
      seenThere: machine.seenThere === true,
      certificate: machine.certificate,
      identity: parseSpiffeId(identity),
      node: { ...node, capabilities: new Set(node.capabilities) },
    };
  } catch {
    return undefined;
  }
}
