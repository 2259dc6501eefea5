// A result while it is being found.

export type Writable<T> = { -readonly [K in keyof T]: T[K] };
