import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { MachineConfigSchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { type AgentSettings, defaultSettings } from "../agent-settings.ts";
import type { StoredMachine } from "../stored-machine.ts";
import { buildNode } from "./node.ts";
import { nodeInputOf } from "./node-input.ts";

test("a node says what the machine's network is now, and that it does IPv6 whatever its addresses are", () => {
  let network = { addresses: ["10.0.0.7"], ipv6: false };
  const settings: AgentSettings = {
    ...defaultSettings,
    dataFolder: "",
    runFolder: "",
    network: () => network,
    self: 0,
    runAs: undefined,
    agentVersion: "1.0.0",
  };
  const config = create(MachineConfigSchema, { workloads: [{ namespace: "shop" }] });
  const machine = { name: "web-1", config } as StoredMachine;
  const said = () => {
    const extras = { envoy: { major: 1, minor: 40, patch: 0, build: "" }, capabilities: ["query"], answersDns: true };
    const { id, metadata } = buildNode(nodeInputOf(machine, settings, extras)) as {
      id: string;
      metadata: { INSTANCE_IPS: string; LATEEN: { capabilities: string[] } };
    };
    return [id.split("~")[1], metadata.INSTANCE_IPS, metadata.LATEEN.capabilities.join(" ")];
  };
  assert.deepEqual(said(), ["10.0.0.7", "10.0.0.7", "query"]);
  network = { addresses: ["10.0.0.7"], ipv6: true };
  assert.deepEqual(said(), ["10.0.0.7", "10.0.0.7", "query ipv6"]);
  network = { addresses: ["10.0.0.8", "fd00::8"], ipv6: true };
  assert.deepEqual(said(), ["10.0.0.8", "10.0.0.8,fd00::8", "query ipv6"]);
});
