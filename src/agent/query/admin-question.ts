// Which requests to Envoy's admin interface may be made from afar: reading, and log levels. Nothing that stops, drains or writes.
import { quoted } from "../../kernel/quote.ts";
import { agentErrors } from "../errors.ts";

/** Pages that only read. */
const readable: ReadonlySet<string> = new Set([
  "/certs",
  "/clusters",
  "/config_dump",
  "/init_dump",
  "/listeners",
  "/memory",
  "/ready",
  "/server_info",
  "/stats",
  "/stats/prometheus",
]);
/** Changes log levels; asking for them is a POST too. */
const writable: ReadonlySet<string> = new Set(["/logging"]);
/** Longest path with query. */
const lengthLimit = 2048;

/**
 * Checks a question's method and path.
 *
 * @throws LateenError LAT4207
 */
export function checkAdminQuestion(method: string, path: string): { method: "GET" | "POST"; path: string } {
  const name = path.split("?", 1)[0] ?? "";
  const safe = path.length <= lengthLimit && /^[!-~]+$/.test(path) && !path.includes("#");
  if (safe && method === "GET" && readable.has(name)) return { method, path };
  if (safe && method === "POST" && writable.has(name)) return { method, path };
  throw agentErrors.notPermitted(`${quoted(`${method} ${path}`)} is not answered by agents`);
}
