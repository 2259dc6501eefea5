import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { MachineConfigSchema } from "../../gen/lateen/agent/v1/agent_pb.ts";
import { createCertificateRequest } from "../identity/certificate-request.ts";
import { utf8 } from "../kernel/bytes.ts";
import { LateenError } from "../kernel/error.ts";
import { systemRandom } from "../kernel/random.ts";
import { createKeyPair } from "./identity/key-pair.ts";
import { assembleIdentity } from "./identity/machine-identity.ts";
import { testAuthority } from "./identity/test-authority.fake.ts";
import { SealedFolder } from "./storage/sealed-folder.ts";
import { loadMachine, removeMachine, saveMachine } from "./stored-machine.ts";

const root = mkdtempSync(join(tmpdir(), "lateen-machine-"));
after(() => rmSync(root, { recursive: true }));

test("a machine is known again after a restart, and its key is on the disk only sealed (DESIGN laws 6 and 7)", async () => {
  const folder = await SealedFolder.open({ folder: root, random: systemRandom, self: process.getuid?.() ?? 0 });
  assert.equal(await loadMachine(folder), undefined);
  const authority = await testAuthority();
  const keys = await createKeyPair();
  const csr = await createCertificateRequest(keys.signer);
  const issued = await authority.sign(csr, "spiffe://cluster.local/ns/shop/sa/reviews", {
    fromMs: Date.now(),
    toMs: Date.now() + 1_000,
  });
  const machine = {
    controlPlane: { host: "fd00::1", port: 15012 },
    name: "vm-1",
    identity: assembleIdentity(issued, keys.privateKey),
    config: create(MachineConfigSchema, { trustDomain: "cluster.local", workloads: [{ ports: { http: 8080 } }] }),
  };
  await saveMachine(folder, machine);
  const found = await loadMachine(folder);
  assert.deepEqual(found?.identity.privateKey.reveal(), machine.identity.privateKey.reveal());
  assert.deepEqual(
    { ...found, identity: { ...found?.identity, privateKey: 0 } },
    { ...machine, identity: { ...machine.identity, privateKey: 0 } },
  );
  const onDisk = readFileSync(join(root, "machine-identity"), "latin1");
  assert.doesNotMatch(onDisk, /PRIVATE|BEGIN|spiffe/);
  await removeMachine(folder);
  assert.equal(await loadMachine(folder), undefined);
});

test("what was stored by another version, or half, is refused with a word on what to do", async () => {
  const folder = await SealedFolder.open({ folder: root, random: systemRandom, self: process.getuid?.() ?? 0 });
  for (const text of ["", "{}", '{"format":2}', "null", '{"format":1,"controlPlane":"https://x"}']) {
    await folder.write("machine-identity", utf8(text));
    await assert.rejects(loadMachine(folder), (error) => {
      assert.ok(error instanceof LateenError && error.code === "LAT4206", text);
      assert.match(error.remedy, /join the machine again/i);
      return true;
    });
  }
});
