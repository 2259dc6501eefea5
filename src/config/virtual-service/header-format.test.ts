import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isHeaderFormat } from "./header-format.ts";

describe("isHeaderFormat", () => {
  for (const value of [
    "",
    "plain text, with (brackets): and more",
    "100%%",
    "%REQ(x-id)%",
    "%REQ(:path)%",
    "%REQ(x-a?:authority):12%",
    "%RESP(server)% and %PROTOCOL%",
    "%START_TIME%",
    "%START_TIME(%Y/%m/%dT%H:%M:%S.%3f)%",
    "%DYNAMIC_METADATA(lateen.peer:app)%",
    '%UPSTREAM_METADATA(["istio", "workload"])%',
    "%DOWNSTREAM_PEER_URI_SAN%",
  ]) {
    it(`takes ${value}`, () => assert.equal(isHeaderFormat(value), true));
  }

  for (const value of [
    "100%",
    "%FOO%",
    "%req(x)%",
    "%REQ%",
    "%REQ()%",
    "%REQ(a b)%",
    "%PROTOCOL(x)%",
    "%PROTOCOL:3%",
    "%DYNAMIC_METADATA%",
    "%ENVIRONMENT(SECRET)%",
    "%CEL(request.path)%",
    "%constructor(x)%",
    "%toString%",
    "a\nb",
    "a\u0000",
    "x".repeat(16_385),
    "é".repeat(8_193),
  ]) {
    it(`refuses ${JSON.stringify(value.slice(0, 40))}`, () => assert.equal(isHeaderFormat(value), false));
  }
});
