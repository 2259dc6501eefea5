// The test network itself: an interrupted run leaves nothing on the host.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { rootOnly } from "../kit/mesh.ts";
import { startProgram } from "../kit/program.ts";

const namespaceScript = `
const { createNamespace } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/capture/network-namespace.fake.ts"))});
const namespace = await createNamespace();
console.log("up", namespace.name);
setInterval(() => {}, 1000);
`;

it("an interrupted test of capture takes its namespace with it", rootOnly, async () => {
  const program = startProgram(process.execPath, ["--input-type=module", "-e", namespaceScript]);
  try {
    const [, name = ""] = (await program.line(/^up /)).split(" ");
    assert.ok(existsSync(`/run/netns/${name}`));
    process.kill(program.pid, "SIGTERM");
    assert.equal(await program.ended, 130);
    assert.equal(existsSync(`/run/netns/${name}`), false);
  } finally {
    await program.stop();
  }
});

const script = `
const { Mesh } = await import(${JSON.stringify(join(import.meta.dirname, "../kit/mesh.ts"))});
const { workloadGroup } = await import(${JSON.stringify(join(import.meta.dirname, "../kit/echo-objects.ts"))});
const mesh = await Mesh.start({ objects: workloadGroup("web") });
const { host } = await mesh.join("web-1", "shop/web", { echo: true });
const pids = (await host.processes()).map(({ pid }) => pid);
console.log("up", host.namespace, mesh.network.folder, pids.join(","));
`;

it("an interrupted run takes its machines, their processes and its files with it", rootOnly, async () => {
  const program = startProgram(process.execPath, ["--input-type=module", "-e", script]);
  try {
    const [, namespace = "", folder = "", pids = ""] = (await program.line(/^up /)).split(" ");
    const network = namespace.slice(0, namespace.indexOf("-") + 1);
    const traces = (): string[] =>
      ["/run/netns", "/etc/netns"].flatMap((path) => readdirSync(path).filter((name) => name.startsWith(network)));
    const running = (): string[] => pids.split(",").filter((pid) => existsSync(`/proc/${pid}`));
    assert.equal(traces().length, 5, "a switch, two machines, and the machines' files in /etc/netns");
    assert.equal(running().length, 3, "the application, the agent and Envoy");
    process.kill(program.pid, "SIGTERM");
    assert.equal(await program.ended, 130);
    assert.deepEqual(traces(), []);
    assert.deepEqual(running(), []);
    assert.equal(existsSync(folder), false);
  } finally {
    await program.stop();
  }
});
