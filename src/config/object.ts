// Configuration objects as they travel: Kubernetes' envelope around one kind's spec.

/** Kubernetes' ObjectMeta, as far as the mesh needs it. */
export interface ObjectMeta {
  name: string;
  /** Empty for cluster-scoped kinds. */
  namespace: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  /** RFC 3339. */
  creationTimestamp?: string;
  deletionTimestamp?: string;
  generateName?: string;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: unknown[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** An object as it is written and served. */
export interface ApiObject<Spec = unknown, Status = unknown> {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: Spec;
  status?: Status;
}

/** What identifies an object across sources. The source is the cluster id of where it came from. */
export interface ConfigKey {
  source: string;
  group: string;
  kind: string;
  namespace: string;
  name: string;
}

/** A key as a string; parts cannot hold `/`, so keys cannot collide. */
export function formatConfigKey(key: ConfigKey): string {
  return `${key.source}/${key.group}/${key.kind}/${key.namespace}/${key.name}`;
}

/** Where an object was read from. */
export interface Origin {
  file: string;
  /** 1-based line of the document's first key. */
  line: number;
}

/** A validated object inside the mesh. Immutable: a change is a new object. */
export interface Config<Spec = unknown> {
  readonly key: ConfigKey;
  readonly meta: Readonly<ObjectMeta>;
  readonly spec: Readonly<Spec>;
  readonly origin?: Origin;
  /** Labels of the status the store keeps with the object (`ServiceEntry.status.addresses`, `WorkloadEntry` health). */
  readonly status?: unknown;
}
