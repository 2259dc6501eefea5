import assert from "node:assert/strict";
import { after, test } from "node:test";
import { authorityBed } from "./authority.fake.ts";
import type { KeyedCertificate } from "./authority.ts";
import { keepServerCertificate } from "./server-certificate.ts";
import { controlPlaneNames } from "./server-names.ts";

const bed = authorityBed();
after(() => bed.dispose());
const dayMs = 86_400_000;

test("the certificate is replaced at half of its life; a failure is tried again after a minute", async () => {
  const authority = await bed.open();
  const { clock, log } = bed.options;
  let renewed: (certificate: KeyedCertificate) => void = () => {};
  let failures = 0;
  let failed: () => void = () => {};
  const kept = await keepServerCertificate({
    authority: {
      async signServer(names) {
        if (failures > 0) {
          failures -= 1;
          failed();
          throw new TypeError("not now");
        }
        return authority.signServer(names);
      },
    },
    names: controlPlaneNames("istio-system", []),
    clock,
    log,
    onRenewed: (certificate) => renewed(certificate),
  });
  const first = kept.current;
  await clock.advance(44 * dayMs);
  assert.equal(kept.current, first);
  const second = new Promise<KeyedCertificate>((resolve) => {
    renewed = resolve;
  });
  await clock.advance(dayMs);
  assert.equal(await second, kept.current);
  assert.notEqual(kept.current.serial, first.serial);

  failures = 1;
  const failure = new Promise<void>((resolve) => {
    failed = resolve;
  });
  const third = new Promise<KeyedCertificate>((resolve) => {
    renewed = resolve;
  });
  await clock.advance(46 * dayMs);
  await failure;
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(60_000);
  assert.equal(await third, kept.current);
  const pending = clock.pending;
  await kept.stop();
  assert.equal(clock.pending, pending - 1);
});
