// A real authority in a folder of its own, with a clock that tests turn.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCertificateRequest } from "../identity/certificate-request.ts";
import { ecSigner } from "../identity/signer.fake.ts";
import { parseTrustDomain } from "../identity/trust-domain.ts";
import { FakeClock } from "../kernel/clock.fake.ts";
import { fakeLog } from "../kernel/log.fake.ts";
import { Metrics } from "../kernel/metric.ts";
import { systemRandom } from "../kernel/random.ts";
import { type Authority, type AuthorityOptions, openAuthority } from "./authority.ts";

export interface AuthorityBed {
  options: AuthorityOptions & { clock: FakeClock; metrics: Metrics };
  lines: ReturnType<typeof fakeLog>["lines"];
  open(more?: Pick<AuthorityOptions, "workloadLifetimeMs">): Promise<Authority>;
  /** Stops every authority opened and removes the folder. */
  dispose(): Promise<void>;
}

/** @param startMs where the clock stands; TLS needs the real time */
export function authorityBed(startMs?: number): AuthorityBed {
  const dataFolder = mkdtempSync(join(tmpdir(), "lateen-ca-"));
  const { log, lines } = fakeLog();
  const options = {
    dataFolder,
    trustDomain: parseTrustDomain("cluster.local"),
    clock: new FakeClock(startMs),
    random: systemRandom,
    log,
    metrics: new Metrics(),
    uid: process.geteuid?.(),
  };
  const opened: Authority[] = [];
  return {
    options,
    lines,
    async open(more = {}) {
      const authority = await openAuthority({
        ...options,
        ...more,
        metrics: opened.length === 0 ? options.metrics : new Metrics(),
      });
      opened.push(authority);
      return authority;
    },
    async dispose() {
      for (const authority of opened) await authority.stop();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

/** A request with a new key. */
export async function newRequest(): Promise<string> {
  return createCertificateRequest(ecSigner());
}
