// Bounds of one folder of configuration.

/** Most files that are read. */
export const fileCountLimit = 10_000;
/** Bytes of all files together. */
export const totalBytesLimit = 64 << 20;
/** Bytes of one file: what `decodeYaml` takes. */
export const fileBytesLimit = 10 << 20;
/** Most folders that are watched, links followed. */
export const folderCountLimit = 1000;
/** Deepest nesting of folders. */
export const folderDepthLimit = 16;
