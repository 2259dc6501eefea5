// Everything below /debug, from the parts of the control plane that have it.
import type { Clock } from "../kernel/clock.ts";
import type { ExtraRoute } from "../serve/api/extra-route.ts";
import type { ChangeLog } from "../serve/debug/change-log.ts";
import { configDumpPages } from "../serve/debug/config-dump-pages.ts";
import type { DebugPage } from "../serve/debug/debug-page.ts";
import { debugRoutes } from "../serve/debug/debug-routes.ts";
import { type EngineParts, enginePages } from "../serve/debug/engine-pages.ts";
import { pprofHelp, pprofUsage, profileRoutes } from "../serve/debug/profile-routes.ts";
import type { Profiler } from "../serve/debug/profiler.ts";
import { proxyPages } from "../serve/debug/proxy-pages.ts";
import { pushPages } from "../serve/debug/push-pages.ts";
import { quarantinePage } from "../serve/debug/quarantine-page.ts";
import type { Quarantine } from "../serve/quarantine/quarantine.ts";
import { resourceAsJson } from "../translate/resource-json.ts";
import { type MeshPagesParts, meshPages } from "./mesh-pages.ts";

export interface DebugParts extends EngineParts, MeshPagesParts {
  quarantine: Pick<Quarantine, "substitutions" | "statuses">;
  clock: Clock;
  changes: ChangeLog;
  profiler: Profiler;
}

export function controlPlaneDebug(parts: DebugParts): ExtraRoute[] {
  const { ads, changes, profiler, clock } = parts;
  const pprof: DebugPage = { name: "pprof", help: pprofHelp, usage: pprofUsage, show: () => ["profile", "heap"] };
  return [
    ...profileRoutes(profiler),
    ...debugRoutes(
      [
        ...proxyPages(ads),
        ...pushPages(ads.pushes, changes),
        ...enginePages(parts),
        ...configDumpPages(ads, resourceAsJson),
        ...meshPages(parts),
        quarantinePage(parts.quarantine),
        pprof,
      ],
      clock,
    ),
  ];
}
