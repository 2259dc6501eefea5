// Join tokens: `lateen1.<id>.<secret>.<pin>`. The pin names the root certificate's key, so a first contact is verified.
import { base64url, fromBase64 } from "../kernel/bytes.ts";
import { Secret } from "../kernel/secret.ts";
import { identityErrors } from "./errors.ts";

export interface JoinToken {
  /** 10 characters of `a-z2-7`; not secret, and what logs and lists show. */
  readonly id: string;
  /** 256 bits, base64url. */
  readonly secret: Secret<string>;
  /** SHA-256 over the root certificate's SubjectPublicKeyInfo, base64url. */
  readonly pin: string;
}

const version = "lateen1";
const idLength = 10;
const idAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
const secretBytes = 32;
/** Version, id, secret, pin and three dots. */
const tokenLength = version.length + idLength + 43 + 43 + 3;

/** Random bytes that a new token takes: `id` and `secret` are made from them. */
export const joinTokenRandomBytes = idLength + secretBytes;

/**
 * Makes a token.
 *
 * @param random `joinTokenRandomBytes` unpredictable bytes
 * @param pin of the root, as `publicKeyPin` makes it
 * @throws LateenError LAT3008
 */
export function createJoinToken(random: Uint8Array, pin: string): JoinToken {
  if (random.length !== joinTokenRandomBytes) {
    throw identityErrors.badJoinToken(`a join token is made of ${joinTokenRandomBytes} random bytes`);
  }
  if (!isDigest(pin)) throw identityErrors.badJoinToken("the pin is not a SHA-256 digest");
  const id = [...random.subarray(0, idLength)].map((byte) => idAlphabet[byte & 31]).join("");
  return { id, secret: new Secret(base64url(random.subarray(idLength))), pin };
}

export function formatJoinToken(token: JoinToken): string {
  return `${version}.${token.id}.${token.secret.reveal()}.${token.pin}`;
}

/**
 * Reads a token; there is one spelling of each. Messages never hold any part of the text.
 *
 * @throws LateenError LAT3008
 */
export function parseJoinToken(text: string): JoinToken {
  if (text.length !== tokenLength) {
    throw identityErrors.badJoinToken(`a join token has ${tokenLength} characters, not ${text.length}`);
  }
  const [first, id = "", secret = "", pin = "", ...rest] = text.split(".");
  if (first !== version || rest.length > 0) throw identityErrors.badJoinToken(`a join token starts with ${version}.`);
  if (!/^[a-z2-7]{10}$/.test(id)) throw identityErrors.badJoinToken("the second part of the join token is no id");
  if (!isDigest(secret)) throw identityErrors.badJoinToken("the third part of the join token is no secret");
  if (!isDigest(pin)) throw identityErrors.badJoinToken("the fourth part of the join token is no pin");
  return { id, secret: new Secret(secret), pin };
}

/** 32 bytes in canonical base64url. */
function isDigest(text: string): boolean {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return false;
  const bytes = fromBase64(text);
  return bytes?.length === secretBytes && base64url(bytes) === text;
}
