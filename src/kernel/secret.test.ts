// A secret reaches no text, whichever way it is turned into one.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { format, inspect } from "node:util";
import { describeError, LateenError } from "./error.ts";
import { fakeLog } from "./log.fake.ts";
import { Secret } from "./secret.ts";

const canary = "canary-5f1c";
const kind = { code: "LAT0000", meaning: "Test.", remedy: "Test." };

suite("Secret", () => {
  const secret = new Secret(canary);

  test("is revealed where it is used", () => assert.equal(secret.reveal(), canary));

  const texts: Record<string, () => string> = {
    "a template": () => `${secret}`,
    "String()": () => String(secret),
    JSON: () => JSON.stringify({ deep: [{ secret }] }),
    inspect: () => inspect({ deep: { deeper: { secret } } }, { depth: null, showHidden: true, getters: true }),
    "format %s %o %O %j": () => format("%s %o %O %j", secret, secret, secret, secret),
    "a message": () => describeError(new LateenError(kind, `refused ${secret}`, { cause: secret })),
    "its keys": () =>
      JSON.stringify([Object.keys(secret), Object.entries(secret), Reflect.ownKeys(secret)].map(String)),
    "a copy": () => JSON.stringify({ ...secret }) + inspect(structuredClone({ ...secret })),
    "a list": () => [secret, secret].join(),
  };
  for (const [name, text] of Object.entries(texts)) {
    test(`stays out of ${name}`, () => assert.doesNotMatch(text(), /canary/));
  }

  test("stays out of the log, in fields of any depth and level", () => {
    const { log, lines } = fakeLog();
    const written = log.with({ token: secret });
    for (const level of ["debug", "info", "warn", "error"] as const) {
      written[level](`got ${secret}`, { secret, deep: { list: [secret], map: { secret } } });
    }
    assert.equal(lines.length, 4);
    assert.doesNotMatch(JSON.stringify(lines), /canary/);
    assert.match(JSON.stringify(lines), /\[redacted\]/);
  });
});
