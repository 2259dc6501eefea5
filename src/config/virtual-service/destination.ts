// Destination: a service, one of its subsets and one of its ports (istio.networking.v1alpha3.Destination).
import { isWildcardOrDnsName } from "../host-name.ts";
import { object, type Rule, type SpecOf, string } from "../schema.ts";
import { dnsLabel } from "./host-rule.ts";
import { portSelector } from "./port.ts";

const namesService: Rule<string> = {
  message: "must be the DNS name of a service; the name * alone is none",
  test: (host) => isWildcardOrDnsName(host),
};

export function destination(description: string) {
  return object(
    {
      host: string({
        description:
          "Name of a service known to the mesh. A short name is read in the namespace of the object that holds it.",
        rules: [namesService],
      }),
      subset: string({
        description: "Name of a subset that a DestinationRule of the host defines; all endpoints where it is absent.",
        rules: [dnsLabel],
      }),
      port: portSelector("Port of the service; may be left out where the service has one port only."),
    },
    { description, required: ["host"] },
  );
}

export type Destination = SpecOf<ReturnType<typeof destination>>;
