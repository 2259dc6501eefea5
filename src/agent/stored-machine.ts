// What a machine knows of itself between starts: who it is and where its control plane is. Sealed on disk.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type MachineConfig, MachineConfigSchema } from "../../gen/lateen/agent/v1/agent_pb.ts";
import { base64, fromBase64, fromUtf8, utf8 } from "../kernel/bytes.ts";
import { Secret } from "../kernel/secret.ts";
import {
  type ControlPlaneAddress,
  formatControlPlaneAddress,
  parseControlPlaneAddress,
} from "./control-plane/control-plane-address.ts";
import { agentErrors } from "./errors.ts";
import { assembleIdentity, type MachineIdentity } from "./identity/machine-identity.ts";
import type { SealedFolder } from "./storage/sealed-folder.ts";

export interface StoredMachine {
  readonly controlPlane: ControlPlaneAddress;
  /** Name the control plane gave the machine. */
  readonly name: string;
  readonly identity: MachineIdentity;
  /** As it was when the machine joined; a newer one comes by xDS. */
  readonly config: MachineConfig;
}

/** There once the machine has joined. */
export const machineFileName = "machine-identity";
const format = 1;

interface Stored {
  format: number;
  controlPlane: string;
  name: string;
  chain: string;
  roots: string;
  privateKey: string;
  config: string;
}

/**
 * @returns undefined where the machine has not joined
 * @throws LateenError LAT4205, LAT4206 or LAT3306
 */
export async function loadMachine(folder: SealedFolder): Promise<StoredMachine | undefined> {
  const bytes = await folder.read(machineFileName);
  if (bytes === undefined) return undefined;
  try {
    const stored = JSON.parse(fromUtf8(bytes)) as Stored;
    if (stored.format !== format) throw agentErrors.unreadableState(`format ${stored.format} is not known`);
    return {
      controlPlane: parseControlPlaneAddress(stored.controlPlane),
      name: stored.name,
      identity: assembleIdentity({ chain: [stored.chain], roots: [stored.roots] }, new Secret(stored.privateKey)),
      config: fromBinary(MachineConfigSchema, fromBase64(stored.config) ?? new Uint8Array()),
    };
  } catch (cause) {
    throw agentErrors.unreadableState("the machine's stored identity cannot be used", {
      cause,
      remedy: "Join the machine again with a new token.",
    });
  }
}

export async function saveMachine(folder: SealedFolder, machine: StoredMachine): Promise<void> {
  const { identity } = machine;
  const stored: Stored = {
    format,
    controlPlane: formatControlPlaneAddress(machine.controlPlane),
    name: machine.name,
    chain: identity.chain,
    roots: identity.roots,
    privateKey: identity.privateKey.reveal(),
    config: base64(toBinary(MachineConfigSchema, machine.config)),
  };
  await folder.write(machineFileName, utf8(JSON.stringify(stored)));
}

/** Forgets who the machine was, as `lateen leave` does. */
export async function removeMachine(folder: SealedFolder): Promise<void> {
  await folder.remove(machineFileName);
}
