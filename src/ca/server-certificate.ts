// Keeps the control plane's own certificate fresh: a new key and certificate at half of its life.
import type { Cancel, Clock } from "../kernel/clock.ts";
import { describeError } from "../kernel/error.ts";
import type { Stoppable } from "../kernel/lifecycle.ts";
import type { Log } from "../kernel/log.ts";
import type { Authority, KeyedCertificate } from "./authority.ts";
import type { ServerNames } from "./server-names.ts";

export interface ServerCertificateOptions {
  authority: Pick<Authority, "signServer">;
  names: ServerNames;
  clock: Clock;
  log: Log;
  /** Called with each later certificate; listeners take it up without closing connections. */
  onRenewed(certificate: KeyedCertificate): void;
}

/** Least time between two attempts: also where the issuer's own end cuts the certificate's life to minutes. */
const leastWaitMs = 60_000;

/** Signs the first certificate and keeps it fresh until stopped. */
export async function keepServerCertificate(options: ServerCertificateOptions): Promise<ServerCertificate> {
  return new ServerCertificate(options, await options.authority.signServer(options.names));
}

export class ServerCertificate implements Stoppable {
  private readonly options: ServerCertificateOptions;
  private present: KeyedCertificate;
  private cancel: Cancel = () => {};
  private stopped = false;

  constructor(options: ServerCertificateOptions, first: KeyedCertificate) {
    this.options = options;
    this.present = first;
    this.schedule();
  }

  get current(): KeyedCertificate {
    return this.present;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
  }

  private schedule(): void {
    const { notBeforeMs, notAfterMs } = this.present;
    const wait = (notBeforeMs + notAfterMs) / 2 - this.options.clock.now();
    this.cancel = this.options.clock.after(Math.max(leastWaitMs, wait), () => this.renew());
  }

  private renew(): void {
    const { authority, names, clock, log, onRenewed } = this.options;
    authority
      .signServer(names)
      .then((certificate) => {
        if (this.stopped) return;
        this.present = certificate;
        this.schedule();
        onRenewed(certificate);
      })
      .catch((error: unknown) => {
        if (this.stopped) return;
        log.error("the control plane's certificate could not be renewed", { error: describeError(error) });
        this.cancel = clock.after(leastWaitMs, () => this.renew());
      });
  }
}
