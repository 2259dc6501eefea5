// envoy.config.cluster.v3.Cluster → the name of the load assignment it waits for, read from the wire without decoding.

/** Field numbers of Cluster and of Cluster.EdsClusterConfig. */
const nameField = 1;
const typeField = 2;
const edsConfigField = 3;
const serviceNameField = 2;
/** Cluster.DiscoveryType.EDS. */
const edsType = 3;

const text = new TextDecoder();

/**
 * The load assignment's name: `eds_cluster_config.service_name`, else the cluster's name.
 *
 * @returns undefined where the cluster is not of type EDS, or the bytes are no message
 */
export function edsServiceName(cluster: Uint8Array): string | undefined {
  let name: string | undefined;
  let serviceName: string | undefined;
  let isEds = false;
  for (const field of fieldsOf(cluster)) {
    if (field.number === typeField && field.value === edsType) isEds = true;
    else if (field.number === nameField && field.bytes !== undefined) name = text.decode(field.bytes);
    else if (field.number === edsConfigField && field.bytes !== undefined) {
      for (const inner of fieldsOf(field.bytes)) {
        if (inner.number === serviceNameField && inner.bytes !== undefined) serviceName = text.decode(inner.bytes);
      }
    }
  }
  if (!isEds) return undefined;
  return serviceName === undefined || serviceName === "" ? name : serviceName;
}

interface Field {
  number: number;
  /** Of varint fields, as far as 31 bits hold it. */
  value?: number;
  /** Of length-delimited fields. */
  bytes?: Uint8Array;
}

/** The fields of one message; ends at the first byte that fits no field. */
function* fieldsOf(message: Uint8Array): IterableIterator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) return -1;
      if (shift < 28) value |= (byte & 0x7f) << shift;
      else if ((byte & 0x7f) !== 0) value = -2; // too large for anything read here
      if (byte < 0x80) return value;
    }
    return -1;
  };
  while (at < message.length) {
    const tag = varint();
    if (tag <= 0) return;
    const number = tag >>> 3;
    const wireType = tag & 7;
    if (wireType === 0) {
      const value = varint();
      if (value === -1) return;
      yield { number, value };
    } else if (wireType === 2) {
      const length = varint();
      if (length < 0 || at + length > message.length) return;
      yield { number, bytes: message.subarray(at, at + length) };
      at += length;
    } else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else return;
  }
}
