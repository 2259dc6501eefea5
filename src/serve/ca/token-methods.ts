// The methods in which a join token may stand for a certificate: all that a client without one may call.
import { IstioCertificateService } from "../../../gen/istio/v1/auth/ca_pb.ts";
import { MachineService } from "../../../gen/lateen/agent/v1/agent_pb.ts";

/** By HTTP/2 path. */
export const tokenMethods: ReadonlySet<string> = new Set(
  [IstioCertificateService.method.createCertificate, MachineService.method.join].map(
    ({ parent, name }) => `/${parent.typeName}/${name}`,
  ),
);
