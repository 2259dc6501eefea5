// What proxies say of objects that were just written.

export interface Verdicts {
  /** True where every connected proxy has answered all it was sent. */
  settled: boolean;
  /** Of the objects that were asked for, those that some proxy rejects. */
  rejected: ObjectVerdict[];
}

export interface ObjectVerdict {
  /** `Kind/namespace/name` */
  object: string;
  /** What the object's status says of it: the field, Envoy's words, and what holds instead. */
  messages: string[];
}
