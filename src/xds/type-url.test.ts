import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isWildcardType, pushOrder, typeUrls } from "./type-url.ts";

suite("type URLs", () => {
  test("are spelled as Envoy, Istio and our own protocol spell them", () => {
    const names = Object.values(typeUrls).map((url) => url.replace(/^type\.googleapis\.com\//, ""));
    assert.deepEqual(names, [
      "envoy.config.cluster.v3.Cluster",
      "envoy.config.endpoint.v3.ClusterLoadAssignment",
      "envoy.config.listener.v3.Listener",
      "envoy.config.route.v3.RouteConfiguration",
      "envoy.config.route.v3.VirtualHost",
      "envoy.extensions.transport_sockets.tls.v3.Secret",
      "envoy.config.core.v3.TypedExtensionConfig",
      "istio.networking.nds.v1.NameTable",
      "istio.mesh.v1alpha1.ProxyConfig",
      "istio.v1.HealthInformation",
      "lateen.agent.v1.Query",
      "lateen.agent.v1.MachineConfig",
      "lateen.agent.v1.RoutePart",
    ]);
    for (const url of Object.values(typeUrls)) assert.match(url, /^type\.googleapis\.com\//);
  });

  test("tell wildcard types from those that are asked for by name", () => {
    const wildcard = Object.entries(typeUrls).flatMap(([name, url]) => (isWildcardType(url) ? [name] : []));
    assert.deepEqual(wildcard, ["cluster", "listener", "nameTable", "proxyConfig", "query", "machine", "routePart"]);
    for (const url of ["", "cluster", typeUrls.cluster.toUpperCase(), `${typeUrls.cluster} `, "__proto__"]) {
      assert.ok(!isWildcardType(url), url);
    }
  });

  test("are pushed make before break", () => {
    const { cluster, endpoint, listener, route } = typeUrls;
    const places = [cluster, endpoint, listener, route].map((url) => pushOrder.indexOf(url));
    assert.ok(places.every((place, i) => place >= 0 && place > (places[i - 1] ?? -1)));
    assert.equal(new Set(pushOrder).size, pushOrder.length);
  });
});
