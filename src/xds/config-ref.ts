// Names the configuration object that made a piece of a resource.

export interface ConfigRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** `VirtualService/shop/reviews` */
export function formatConfigRef(ref: ConfigRef): string {
  return `${ref.kind}/${ref.namespace}/${ref.name}`;
}
