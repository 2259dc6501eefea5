// The table in force: replaced whole, and only by one that is good.
import type { NameTable } from "../../../gen/istio/networking/nds/v1/nds_pb.ts";
import { describeError } from "../../kernel/error.ts";
import type { Log } from "../../kernel/log.ts";
import { compileNameTable, type NameLookup } from "./name-table.ts";

export class NameTableHolder {
  private readonly log: Log;
  private lookup: NameLookup | undefined;

  constructor(log: Log) {
    this.log = log;
  }

  /** For `DnsServerOptions.table`. */
  readonly current = (): NameLookup | undefined => this.lookup;

  /**
   * Puts a table in force. One that is refused, and one without names, leave the present one: a mesh does not lose all its
   * names at once, but a control plane that has just started may not know them yet.
   *
   * @returns false where the present table stays
   */
  update(table: NameTable, options: { namespace: string; domainSuffix: string }): boolean {
    try {
      const lookup = compileNameTable(table, options);
      if (lookup.skipped > 0) this.log.warn("names that are no host names were left out", { skipped: lookup.skipped });
      if (lookup.size === 0) {
        if (this.lookup !== undefined) this.log.warn("an empty name table came; the one before stays in use");
        return false;
      }
      this.lookup = lookup;
      return true;
    } catch (error) {
      this.log.error("a name table was refused; the one before stays in use", { error: describeError(error) });
      return false;
    }
  }
}
