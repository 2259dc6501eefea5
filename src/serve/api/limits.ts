// Bounds of the configuration API.

/** Largest request body, bytes: as the Kubernetes API server. */
export const bodyLimit = 3 << 20;
/** A body must be complete after so long, milliseconds. */
export const bodyDeadlineMs = 10_000;
/** Request line and headers together, bytes. */
export const headerBytesLimit = 16 << 10;
/** Longest path and longest query, characters. */
export const pathLimit = 2048;
export const queryLimit = 8192;
/** Most query parameters; the API knows about twenty. */
export const queryParameterLimit = 64;
/** Nesting of JSON bodies, as of configuration text. */
export const jsonDepthLimit = 64;
/** Requests that are worked on at once, without watches: as the Kubernetes API server. */
export const requestLimit = 400;
/** Watches that are open at once. */
export const watchLimit = 1000;
/** Connections that are open at once: each watch of an HTTP/1.1 client holds one. */
export const connectionLimit = 2000;
/** Changes of one kind that are kept for watches, and about the bytes that they hold. */
export const eventLogLimit = 5000;
export const eventLogBytesLimit = 16 << 20;
/** They are kept for so long, milliseconds: as the Kubernetes API server's etcd keeps them (`--etcd-compaction-interval`). */
export const eventKeptMs = 300_000;
/** Bytes that wait for one slow watch before it is no longer fed; it catches up from the log. */
export const watchBufferLimit = 1 << 20;
/** A watch ends by itself after so long where its client names no time, seconds. */
export const watchSeconds = 1800;
/** Longest time that a client may name, seconds. */
export const longestWatchSeconds = 24 * 3600;
/** How often a watch with bookmarks gets one, milliseconds: as Kubernetes'. */
export const bookmarkMs = 60_000;
/** Largest page of a list; larger wishes are cut to it, not refused. */
export const listPageLimit = 100_000;
/** Operations of one JSON patch: as Kubernetes'. */
export const patchOperationLimit = 10_000;
/** Requirements of one selector. */
export const selectorLimit = 64;
/** Warnings sent with one answer, and the characters of all: clients read about 16 KiB of headers. */
export const warningLimit = 32;
export const warningCharacterLimit = 4096;
/** Attempts of a patch that meets a concurrent change. */
export const patchAttempts = 5;
/** Managers that one object keeps for updates; older ones are put together, as Kubernetes does. */
export const updateManagerLimit = 10;
