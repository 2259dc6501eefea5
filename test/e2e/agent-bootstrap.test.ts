// The real Envoy accepts the bootstrap of every kind of machine.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { bootstrapInput } from "../../src/agent/bootstrap/bootstrap.fake.ts";
import { type BootstrapInput, buildBootstrap } from "../../src/agent/bootstrap/bootstrap.ts";
import { runCommand } from "../../src/kernel/command.ts";
import { envoyPath, machineFolder } from "../kit/agent-rig.ts";

const { node } = bootstrapInput;
const cases: Record<string, BootstrapInput> = {
  "as Istio's ports": bootstrapInput,
  "IPv6 only": { ...bootstrapInput, statusAddress: "::", node: { ...node, addresses: ["fd00::1"] } },
  "without group, locality, labels and ports": {
    ...bootstrapInput,
    node: { ...node, group: "", locality: "", labels: {}, ports: {}, network: "", meshId: "", clusterId: "" },
  },
  "with odd label values": { ...bootstrapInput, node: { ...node, labels: { "a.b/c": 'x"}\n$(id) ü', app: "" } } },
};

describe("the bootstrap", () => {
  const machine = machineFolder();
  let envoy = "";
  before(async () => {
    envoy = await envoyPath();
  });
  after(() => machine.remove());

  for (const [name, input] of Object.entries(cases)) {
    it(`is accepted by Envoy: ${name}`, async () => {
      const path = join(machine.folder, "bootstrap.json");
      writeFileSync(path, JSON.stringify(buildBootstrap(input)));
      const args = ["--mode", "validate", "--config-path", path, "--disable-hot-restart", "--log-level", "warning"];
      const { stdout, stderr } = await runCommand(envoy, args);
      assert.match(stdout, /OK$/m);
      assert.doesNotMatch(stderr, /deprecat/i);
    });
  }
});
