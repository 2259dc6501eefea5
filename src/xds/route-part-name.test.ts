import assert from "node:assert/strict";
import { test } from "node:test";
import { isRouteHead, refusedRoutes, routeOfPart, routePartName } from "./route-part-name.ts";

test("a part's name says which route configuration it belongs to, and which is its head", () => {
  const part = routePartName("80", "reviews.shop:80");
  assert.deepEqual([routeOfPart(part), isRouteHead(part)], ["80", false]);
  assert.deepEqual([routeOfPart("80"), isRouteHead("80")], ["80", true]);
});

test("a rejection is about the route configurations that it begins with, else about all", () => {
  const routes = new Set(["80", "8080", "9090"]);
  assert.deepEqual([...refusedRoutes("80: duplicate domain on port 9090: x", routes)], ["80"]);
  assert.deepEqual([...refusedRoutes("8080: bad regex; 9090: bad regex", routes)], ["8080", "9090"]);
  assert.deepEqual([...refusedRoutes("no memory", routes)], [...routes]);
});
