// The control plane's account of itself.

export interface ControlPlaneVersion {
  version: string;
  /** Name of this control plane: host name and process start. */
  controlPlane: string;
  trustDomain: string;
  rootNamespace: string;
  clusterId: string;
}

/** A valid field that proxies do not act on yet. */
export interface PendingField {
  kind: string;
  /** Spelled like `spec.http[].delegate`. */
  path: string;
  description: string;
}
