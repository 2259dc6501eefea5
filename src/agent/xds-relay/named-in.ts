// Whether a resource mentions a name, read from its bytes: what passes through is never decoded.
//
// Envoy's messages spell the names of clusters and route configurations as they are. A name within a longer one matches too;
// who asks must only lose time by that.
import type { CachedResource } from "./resource-cache.ts";

/** Most names of which the answer is kept for one resource. */
const keptLimit = 256;

export class NamedIn {
  /** A route configuration of a thousand virtual hosts takes half a millisecond, and waits while other messages pass. */
  private readonly answers = new WeakMap<CachedResource, Map<string, boolean>>();

  has(resource: CachedResource, name: string): boolean {
    let known = this.answers.get(resource);
    if (known === undefined) {
      known = new Map();
      this.answers.set(resource, known);
    }
    let answer = known.get(name);
    if (answer === undefined) {
      const { body } = resource;
      answer = Buffer.from(body.buffer, body.byteOffset, body.length).includes(name);
      if (known.size >= keptLimit) known.clear();
      known.set(name, answer);
    }
    return answer;
  }
}
