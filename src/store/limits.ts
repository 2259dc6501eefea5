// Bounds of every store, whatever its engine.
import { storeErrors } from "./errors.ts";
import type { Transaction } from "./store.ts";

/** Longest key, bytes. Kubernetes' longest group, plural, namespace and name together stay below. */
export const keyLimit = 1024;
/** Largest value, bytes; etcd's and so Kubernetes' bound on an object is 1.5 MiB. */
export const valueLimit = 1 << 20;
/** Most entries of one page. */
export const pageLimit = 1000;
/** Most conditions, puts and deletes of one transaction together. */
export const operationLimit = 2000;
/** Largest sum of the values of one transaction, bytes. */
export const transactionLimit = 8 << 20;
/** Most revisions reserved by one call. */
export const reservationLimit = 1_000_000;
/** Most watches of one store: each part of the control plane needs one or two. */
export const watchLimit = 1000;

/** Printable ASCII: one order of bytes and of UTF-16 units, and no two spellings of one key. */
const keyForm = /^[\x21-\x7e]+$/;

/** Sorts after every key that starts with `prefix`. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\x7f`;
}

/** @throws LateenError LAT5001 */
export function checkKey(key: string): void {
  if (key.length > keyLimit) throw storeErrors.badRequest(`a key of ${key.length} bytes is over ${keyLimit}`);
  if (!keyForm.test(key)) throw storeErrors.badRequest("a key must be printable ASCII without spaces");
}

/** @throws LateenError LAT5001 */
export function checkPrefix(prefix: string): void {
  if (prefix !== "") checkKey(prefix);
}

/** @throws LateenError LAT5001 */
export function checkPageSize(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit) {
    throw storeErrors.badRequest(`a page has 1 to ${pageLimit} entries, not ${limit}`);
  }
}

/** @throws LateenError LAT5001 */
export function checkRevision(revision: number): void {
  if (!Number.isSafeInteger(revision) || revision < 0) {
    throw storeErrors.badRequest(`${revision} is not a revision`);
  }
}

/** @throws LateenError LAT5001 */
export function checkReservation(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > reservationLimit) {
    throw storeErrors.badRequest(`1 to ${reservationLimit} revisions can be reserved at once, not ${count}`);
  }
}

/**
 * Also refuses a key that is written twice, because its outcome would hang on the order.
 *
 * @throws LateenError LAT5001
 */
export function checkTransaction(transaction: Transaction<Uint8Array>): void {
  const { conditions = [], puts = [], deletes = [] } = transaction;
  if (conditions.length + puts.length + deletes.length > operationLimit) {
    throw storeErrors.badRequest(`a transaction has at most ${operationLimit} operations`);
  }
  for (const { key, revision } of conditions) {
    checkKey(key);
    checkRevision(revision);
  }
  const written = new Set<string>();
  let bytes = 0;
  for (const key of [...puts.map((put) => put.key), ...deletes]) {
    checkKey(key);
    if (written.has(key)) throw storeErrors.badRequest(`a transaction writes ${key} twice`);
    written.add(key);
  }
  for (const { key, value } of puts) {
    if (value.length > valueLimit) {
      throw storeErrors.badRequest(`the value of ${key} has ${value.length} bytes, over ${valueLimit}`);
    }
    bytes += value.length;
  }
  if (bytes > transactionLimit) {
    throw storeErrors.badRequest(`a transaction of ${bytes} bytes is over ${transactionLimit}`);
  }
}
