// A client that asks for routes in parts and puts them together as our agent does.
import assert from "node:assert/strict";
import { ComposedRoutes } from "../../src/agent/xds-relay/composed-routes.ts";
import { type CachedResource, ResourceCache } from "../../src/agent/xds-relay/resource-cache.ts";
import type { ClientView } from "../../src/xds/generator.ts";
import type { Resource } from "../../src/xds/resource.ts";
import { typeUrls } from "../../src/xds/type-url.ts";

export class ComposingClient {
  private readonly view: ClientView;
  private readonly cache = new ResourceCache(typeUrls.routePart);
  private readonly routes = new ComposedRoutes();

  constructor(view: ClientView) {
    this.view = view;
    this.cache.subscribe((change) => this.routes.take(this.cache, change));
    const parts = view.resources(typeUrls.routePart);
    this.cache.apply([...parts.values()].map(asReceived), []);
    parts.subscribe((changes) => {
      const sent = changes.flatMap(({ after }) => (after === undefined ? [] : [asReceived(after)]));
      this.cache.apply(
        sent,
        changes.filter(({ after }) => after === undefined).map(({ key }) => key),
      );
    });
  }

  /** Asserts that it has the very bytes of the routes that others get whole. */
  check(): void {
    const whole = this.view.resources(typeUrls.route);
    assert.deepEqual([...this.routes.names()].sort(), [...whole.values()].map(({ name }) => name).sort());
    for (const { name, version, body } of whole.values()) {
      const composed = this.routes.get(name);
      assert.equal(composed?.version, version, `the parts of ${name} make another version`);
      assert.ok(
        Buffer.compare(composed?.body ?? new Uint8Array(), body) === 0,
        `the parts of ${name} make other bytes`,
      );
    }
  }
}

function asReceived({ name, version, typeUrl, body }: Resource): CachedResource {
  return { name, version, bodyType: typeUrl, body };
}
