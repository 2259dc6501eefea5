// What may be asked of a machine's Envoy from afar, whatever is asked.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { checkAdminQuestion } from "../../src/agent/query/admin-question.ts";
import { LateenError } from "../../src/kernel/error.ts";

const answers = (method: string, path: string): boolean => {
  try {
    checkAdminQuestion(method, path);
    return true;
  } catch (error) {
    assert.ok(error instanceof LateenError && error.code === "LAT4207", String(error));
    return false;
  }
};

suite("questions to Envoy's admin interface", () => {
  for (const path of ["/config_dump?include_eds", "/clusters?format=json", "/stats/prometheus", "/server_info"]) {
    test(`GET ${path} is answered`, () => assert.ok(answers("GET", path) && !answers("POST", path)));
  }
  test("POST /logging is answered, and no other POST", () => {
    assert.ok(answers("POST", "/logging?level=debug") && !answers("GET", "/logging"));
  });

  for (const path of [
    "/quitquitquit",
    "/drain_listeners",
    "/healthcheck/fail",
    "/runtime_modify?a=b",
    "/cpuprofiler",
  ]) {
    test(`${path} is never answered`, () => {
      const spellings = [path, `${path}?`, `/${path}`, `/stats/..${path}`, `/ready#${path}`, `/ready/..${path}`];
      for (const spelling of [...spellings, path.toUpperCase(), path.replace("/", "/%2e/"), `/ready\r\n${path}`]) {
        for (const method of ["GET", "POST", "get", "PUT", "GET /ready"])
          assert.ok(!answers(method, spelling), spelling);
      }
    });
  }

  test("whatever is answered is a page that reads, or log levels, in plain characters", () => {
    const piece = fc.constantFrom(
      "/",
      "stats",
      "ready",
      "logging",
      "quitquitquit",
      "..",
      "%2e",
      "?",
      "#",
      "\\",
      " ",
      "\n",
    );
    const path = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(piece, { maxLength: 8 }).map((all) => all.join("")),
    );
    const method = fc.constantFrom("GET", "POST", "PUT", "DELETE", "get", "");
    const pages = "certs|clusters|config_dump|init_dump|listeners|memory|ready|server_info|stats(/prometheus)?";
    const answered = new RegExp(`^(GET /(${pages})|POST /logging)(\\?|$)`);
    fc.assert(
      fc.property(method, path, (verb, asked) => {
        if (!answers(verb, asked)) return;
        assert.match(asked, /^[!-~]+$/);
        assert.match(`${verb} ${asked}`, answered);
      }),
      { numRuns: 10_000 },
    );
  });
});
