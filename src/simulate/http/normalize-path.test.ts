import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as Action,
  HttpConnectionManagerSchema,
} from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { normalizePath } from "./normalize-path.ts";

const modes = {
  NONE: create(HttpConnectionManagerSchema, { pathWithEscapedSlashesAction: Action.KEEP_UNCHANGED }),
  BASE: create(HttpConnectionManagerSchema, {
    normalizePath: true,
    pathWithEscapedSlashesAction: Action.KEEP_UNCHANGED,
  }),
  MERGE_SLASHES: create(HttpConnectionManagerSchema, { normalizePath: true, mergeSlashes: true }),
  DECODE_AND_MERGE_SLASHES: create(HttpConnectionManagerSchema, {
    normalizePath: true,
    mergeSlashes: true,
    pathWithEscapedSlashesAction: Action.UNESCAPE_AND_FORWARD,
  }),
};

describe("normalizePath", () => {
  const cases: [path: string, none: string, base: string, merged: string, decoded: string][] = [
    ["/a", "/a", "/a", "/a", "/a"],
    ["/./a/../b", "/./a/../b", "/b", "/b", "/b"],
    ["/a/%2e%2E/b/%2e", "/a/%2e%2E/b/%2e", "/b/", "/b/", "/b/"],
    ["/../..", "/../..", "/", "/", "/"],
    ["//a///b", "//a///b", "//a///b", "/a/b", "/a/b"],
    ["\\a", "\\a", "/a", "/a", "/a"],
    ["/a%2fb", "/a%2fb", "/a%2fb", "/a%2fb", "/a/b"],
    ["/x%2F..%5ca", "/x%2F..%5ca", "/x%2F..%5ca", "/x%2F..%5ca", "/a"],
    ["/a?b=/../c//d", "/a?b=/../c//d", "/a?b=/../c//d", "/a?b=/../c//d", "/a?b=/../c//d"],
  ];
  for (const [path, ...expected] of cases) {
    it(path, () =>
      assert.deepEqual(
        Object.values(modes).map((manager) => normalizePath(manager, path)),
        expected,
      ),
    );
  }

  it("refuses the actions that answer by themselves, where they would", () => {
    const reject = create(HttpConnectionManagerSchema, { pathWithEscapedSlashesAction: Action.REJECT_REQUEST });
    assert.equal(normalizePath(reject, "/a"), "/a");
    assert.throws(() => normalizePath(reject, "/a%2fb"), { code: "LAT2201" });
  });
});
