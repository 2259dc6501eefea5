// Where an API object lies in the store: `/objects/GROUP/PLURAL/NAMESPACE/NAME`; group and namespace may be empty.

export interface ObjectLocation {
  /** Empty for Kubernetes' core group. */
  group: string;
  plural: string;
  /** Empty for cluster-scoped kinds. */
  namespace: string;
  name: string;
}

/** What the keys of all API objects start with. */
export const objectPrefix = "/objects/";

/** Parts are names that Kubernetes allows, so none holds a slash. */
export function objectKey({ group, plural, namespace, name }: ObjectLocation): string {
  return `${objectPrefix}${group}/${plural}/${namespace}/${name}`;
}

/** @returns undefined where the key is not of an object */
export function parseObjectKey(key: string): ObjectLocation | undefined {
  if (!key.startsWith(objectPrefix)) return undefined;
  const [group, plural, namespace, name, ...rest] = key.slice(objectPrefix.length).split("/");
  if (group === undefined || !plural || namespace === undefined || !name || rest.length > 0) return undefined;
  return { group, plural, namespace, name };
}
