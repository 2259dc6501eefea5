// Addresses as envoy.config.core.v3.Address.
import { create } from "@bufbuild/protobuf";
import { type Address, AddressSchema } from "../../gen/envoy/config/core/v3/address_pb.ts";

export function socketAddress(address: string, port: number): Address {
  return create(AddressSchema, {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  });
}

/** A Unix socket; a leading `@` is an abstract one. */
export function pipeAddress(path: string): Address {
  return create(AddressSchema, { address: { case: "pipe", value: { path } } });
}
