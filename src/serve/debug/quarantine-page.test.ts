import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import type { Substitution } from "../../xds/substitution.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { quarantinePage } from "./quarantine-page.ts";

test("tells what is not sent, to which Envoy, what holds instead, and whose it is", () => {
  const graph = new Graph();
  const substitutions = new Source<Substitution>(graph, "substitutions");
  const statuses = new Source<unknown>(graph, "statuses");
  substitutions.set("key", {
    ...{ typeUrl: typeUrls.route, name: "80", fragment: "web.example:80", version: "bad", only: undefined },
    ...{ envoyVersion: "1.40.0", message: "x".repeat(5_000) },
    sources: [{ kind: "VirtualService", namespace: "shop", name: "web" }],
    accepted: new Map([
      ["scope-1", { name: "web.example:80", version: "good", body: new Uint8Array(), sources: [] }],
      ["scope-2", { name: "web.example:80", version: "good", body: new Uint8Array(), sources: [] }],
    ]),
  });
  statuses.set("Kubernetes/g/VirtualService/shop/web", { conditions: [] });
  const { show } = quarantinePage({ substitutions, statuses });
  const shown = show({ rest: "", query: new URLSearchParams(), signal: new AbortController().signal });
  assert.deepEqual(JSON.parse(JSON.stringify(shown)), {
    substitutions: [
      {
        ...{ type: "RDS", name: "80", part: "web.example:80", rejected: "bad", envoyVersion: "1.40.0" },
        ...{ servedInstead: ["good"], objects: ["VirtualService/shop/web"], message: "x".repeat(2_048) },
      },
    ],
    objects: { "Kubernetes/g/VirtualService/shop/web": { conditions: [] } },
  });
});
