// proxy-config log: the loggers of Envoy and their levels.
import { quoted } from "../../kernel/quote.ts";
import { cliErrors } from "../errors.ts";

/** Levels of Envoy's loggers; istioctl's `none` is `off`. */
const levels: readonly string[] = ["trace", "debug", "info", "warning", "error", "critical", "off"];
/** Level that `--reset` sets: Istio's for its proxies. */
export const defaultLevel = "warning";
/** Loggers in one request. */
const loggerLimit = 100;

/**
 * `debug`, or `http:debug,rbac:trace` → the path of Envoy's admin interface that sets it.
 *
 * @throws LateenError LAT9001
 */
export function loggingPath(level: string | undefined): string {
  if (level === undefined) return "logging";
  const parts = level.split(",").map((part) => part.trim());
  if (parts.length > loggerLimit) throw cliErrors.usage(`more than ${loggerLimit} loggers were named`);
  if (parts.length === 1 && !level.includes(":")) return `logging?level=${checkLevel(level)}`;
  const paths = parts.map((part) => {
    const [logger = "", name = "", ...rest] = part.split(":");
    if (!/^[a-z0-9_]{1,64}$/.test(logger) || rest.length > 0) {
      throw cliErrors.usage(`${quoted(part)} is not of the form LOGGER:LEVEL`);
    }
    return `${logger}:${checkLevel(name)}`;
  });
  return `logging?paths=${paths.join(",")}`;
}

function checkLevel(text: string): string {
  const level = text.toLowerCase() === "none" ? "off" : text.toLowerCase();
  if (!levels.includes(level)) {
    throw cliErrors.usage(`${quoted(text)} is no level`, {
      remedy: `Use one of ${levels.join(", ")}.`,
    });
  }
  return level;
}

/** Envoy's answer, `active loggers:` and a line for each → levels by logger. */
export function readLoggers(text: string): Record<string, string> {
  const loggers: Record<string, string> = {};
  for (const [, logger, level] of text.matchAll(/^\s+([A-Za-z0-9_]+): (\w+)\s*$/gm)) {
    if (logger !== undefined && level !== undefined) loggers[logger] = level;
  }
  return loggers;
}
