// The demo's table: a row is printed when its fact has been measured.

export interface Row {
  what: string;
  /** What was measured, in a few words. */
  measured: string;
  ok: boolean;
}

const whatWidth = 44;

export class Table {
  private readonly rows: Row[] = [];

  heading(text: string): void {
    console.log(`\n${text}`);
  }

  row(what: string, ok: boolean, measured: string): void {
    this.rows.push({ what, ok, measured });
    console.log(`  ${ok ? "✔" : "✘"} ${what.padEnd(whatWidth)} ${measured}`);
  }

  get failures(): readonly Row[] {
    return this.rows.filter((row) => !row.ok);
  }

  get size(): number {
    return this.rows.length;
  }
}
