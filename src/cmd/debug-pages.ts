// Everything below /debug, from the parts of the control plane that have it.
import type { AdsServer } from "../serve/ads/ads-server.ts";
import type { ExtraRoute } from "../serve/api/extra-route.ts";
import type { ChangeLog } from "../serve/debug/change-log.ts";
import { debugRoutes } from "../serve/debug/debug-routes.ts";
import { proxyPages } from "../serve/debug/proxy-pages.ts";
import { pushPages } from "../serve/debug/push-pages.ts";

export interface DebugParts {
  ads: AdsServer;
  changes: ChangeLog;
}

export function controlPlaneDebug({ ads, changes }: DebugParts): ExtraRoute[] {
  return debugRoutes([...proxyPages(ads), ...pushPages(ads.pushes, changes)]);
}
