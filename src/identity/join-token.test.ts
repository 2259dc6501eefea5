import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { assertSurvives, mutatedText } from "../kernel/mutation.fake.ts";
import { createJoinToken, formatJoinToken, joinTokenRandomBytes, parseJoinToken } from "./join-token.ts";

const pin = randomBytes(32).toString("base64url");
const token = createJoinToken(new Uint8Array(randomBytes(joinTokenRandomBytes)), pin);
const text = formatJoinToken(token);

test("a token is read back as it was made", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: joinTokenRandomBytes, maxLength: joinTokenRandomBytes }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (random, digest) => {
        const made = createJoinToken(random, Buffer.from(digest).toString("base64url"));
        const read = parseJoinToken(formatJoinToken(made));
        assert.equal(read.id, made.id);
        assert.equal(read.secret.reveal(), made.secret.reveal());
        assert.equal(read.pin, made.pin);
      },
    ),
  );
});

test("the form is the documented one", () => {
  assert.match(text, /^lateen1\.[a-z2-7]{10}\.[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/);
  assert.equal(Buffer.from(token.secret.reveal(), "base64url").length, 32);
});

test("other texts are refused, and the message does not repeat them", () => {
  const secret = token.secret.reveal();
  for (const wrong of [
    "",
    "null",
    "lateen1...",
    text.slice(0, -1),
    `${text}x`,
    ` ${text.slice(1)}`,
    text.toUpperCase(),
    text.replace("lateen1", "lateen2"),
    text.replace(".", ":"),
    text.replace(token.id, "AAAAAAAAAA"),
    text.replace(pin, `${"A".repeat(42)}B`),
    text.replace(secret, "=".repeat(43)),
    "x".repeat(10_000_000),
    ".".repeat(1_000_000),
  ]) {
    assert.throws(
      () => parseJoinToken(wrong),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "LAT3008");
        assert.ok(!inspect(error).includes(secret));
        return true;
      },
    );
  }
});

test("T21: the secret shows in no printing of a token", () => {
  assert.ok(!inspect(token, { depth: 9 }).includes(token.secret.reveal()));
  assert.ok(!JSON.stringify(token).includes(token.secret.reveal()));
});

test("10,000 damaged tokens are read or refused, and never read as another spelling", () => {
  assertSurvives(mutatedText(text), (damaged) => assert.equal(formatJoinToken(parseJoinToken(damaged)), damaged));
});
