// LocalityLoadBalancerSetting: which regions and zones get the traffic (istio.networking.v1alpha3).
import { bool, integer, list, map, object, type Rule, type SpecOf, string } from "../schema.ts";
import { type At, broken, type Report } from "../virtual-service/finding.ts";

const failover = list(
  object(
    {
      from: string({ description: "Region of the caller." }),
      to: string({ description: "Region that gets the traffic when the caller's own is unhealthy." }),
    },
    { description: "Where one region's traffic goes." },
  ),
  { description: "Regions that stand in for others." },
);

const failoverPriority = list(string({ description: "A label, `key` or `key=value`." }), {
  description: "Labels in order of weight: endpoints that share more of the first with the caller are preferred.",
});

export const localitySchema = object(
  {
    distribute: list(
      object(
        {
          from: string({ description: "Locality of the caller, region/zone/subzone; * stands for any part." }),
          to: map(integer("uint32", { description: "Percent of the traffic." }), {
            description: "Percent of the traffic by locality; they add up to 100.",
          }),
        },
        { description: "How the traffic of one locality is shared." },
      ),
      { description: "Shares of traffic between localities." },
    ),
    failover,
    failoverPriority,
    enabled: bool({ description: "False switches the setting off, also where the mesh configuration has one." }),
  },
  { description: "Preference for endpoints near the caller.", pending: true },
);

export type LocalityLoadBalancer = SpecOf<typeof localitySchema>;

const clusterSizeHelp = "Fewest endpoints of the service for which zones are looked at.";

export const zoneAwareSchema = object(
  {
    enabled: bool({ description: "False switches the setting off." }),
    minClusterSize: integer("uint32", { description: clusterSizeHelp, minimum: 1, default: 6 }),
    failover,
    failoverPriority,
  },
  { description: "Keeps traffic within the caller's zone as far as the zones' sizes allow.", pending: true },
);

export const onePreference: Rule<{ localityLbSetting?: object; zoneAwareLbSetting?: object }> = {
  message: "localityLbSetting and zoneAwareLbSetting cannot be combined",
  at: "zoneAwareLbSetting",
  test: (settings) => settings.localityLbSetting === undefined || settings.zoneAwareLbSetting === undefined,
};

export function checkLocality(locality: LocalityLoadBalancer, at: At, report: Report): void {
  const { distribute = [], failover = [], failoverPriority = [] } = locality;
  if (distribute.length > 0 && failover.length + failoverPriority.length > 0) {
    report(broken([...at, "distribute"], "cannot be combined with failover or failoverPriority"));
  }
  for (const [index, share] of distribute.entries()) {
    const total = Object.values(share.to ?? {}).reduce((sum, percent) => sum + percent, 0);
    if (total !== 100) {
      report(broken([...at, "distribute", index, "to"], `the percents must add up to 100, not ${total}`));
    }
  }
  for (const [index, { from = "", to = "" }] of failover.entries()) {
    if (from !== "" && to !== "" && from !== to) continue;
    report(broken([...at, "failover", index], "needs a region from and another region to"));
  }
}
