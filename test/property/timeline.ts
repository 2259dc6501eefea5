// Which contents a resource was to have, one after the other: a proxy may leave some out, but never goes back.
import assert from "node:assert/strict";
import type { Resource } from "../../src/xds/resource.ts";
import { printOf } from "./fake-proxy.ts";

interface Life {
  /** Fingerprints; undefined where there was no such resource. */
  readonly prints: (string | undefined)[];
  /** Where the proxy has come to. */
  at: number;
}

const prints = new WeakMap<Uint8Array, string>();

export class Timeline {
  private readonly lives = new Map<string, Map<string, Life>>();

  /** Bodies are shared; each is read once. */
  printOf(body: Uint8Array): string {
    let print = prints.get(body);
    if (print === undefined) {
      print = printOf(body);
      prints.set(body, print);
    }
    return print;
  }

  /** A new stream begins with these resources of a type. */
  reset(typeUrl: string, resources: readonly Resource[]): void {
    const there = new Set(resources.map(({ name }) => name));
    for (const resource of resources) this.changed(typeUrl, resource.name, resource);
    for (const name of this.livesOf(typeUrl).keys()) if (!there.has(name)) this.changed(typeUrl, name, undefined);
  }

  changed(typeUrl: string, name: string, after: Resource | undefined): void {
    // Of what is withheld, who asks is told that there is nothing.
    const print = after === undefined || after.withheld === true ? undefined : this.printOf(after.body);
    const { prints: known } = this.lifeOf(typeUrl, name);
    if (known.at(-1) !== print) known.push(print);
  }

  /** The proxy heard of it. */
  heard(typeUrl: string, name: string, print: string | undefined): void {
    const life = this.lifeOf(typeUrl, name);
    const at = life.prints.indexOf(print, life.at);
    if (at < 0) {
      const earlier = life.prints.includes(print) ? "an older version" : "no version of it";
      assert.fail(`${typeUrl} ${name}: ${print ?? "gone"} is ${earlier}`);
    }
    life.at = at;
  }

  private livesOf(typeUrl: string): Map<string, Life> {
    let lives = this.lives.get(typeUrl);
    if (lives === undefined) {
      lives = new Map();
      this.lives.set(typeUrl, lives);
    }
    return lives;
  }

  private lifeOf(typeUrl: string, name: string): Life {
    const lives = this.livesOf(typeUrl);
    let life = lives.get(name);
    if (life === undefined) {
      life = { prints: [undefined], at: 0 };
      lives.set(name, life);
    }
    return life;
  }
}
