// /debug on the API's port: the index and the pages, for administrators as everything there.

import type { Clock } from "../../kernel/clock.ts";
import type { ExtraReply, ExtraRequest, ExtraRoute } from "../api/extra-route.ts";
import { StatusError } from "../api/status-error.ts";
import type { DebugPage, DebugRequest } from "./debug-page.ts";
import { escapeHtml, htmlPage, htmlValue } from "./html.ts";
import { JsonStream } from "./json-stream.ts";

const htmlType = "text/html; charset=utf-8";

/** The last page of a name counts; `list` and the index are made of all. */
export function debugRoutes(given: readonly DebugPage[], clock: Clock): ExtraRoute[] {
  const list: DebugPage = {
    name: "list",
    help: "Names of these pages",
    show: () => pages.map(({ name }) => name).filter((name) => name !== "list"),
  };
  const pages = [...given, list].sort((a, b) => (a.name < b.name ? -1 : 1));
  const index: ExtraRoute = {
    method: "GET",
    path: "/debug",
    handler: async (request) =>
      wantsJson(request)
        ? { body: pages.map(({ name, usage, help }) => ({ name, ...(usage === undefined ? {} : { usage }), help })) }
        : { text: indexPage(pages), contentType: htmlType },
  };
  const unknown: ExtraRoute = {
    method: "GET",
    path: "/debug/{rest*}",
    handler: async ({ params }) => {
      throw new StatusError("notFound", `there is no page /debug/${params["rest"] ?? ""}`);
    },
  };
  return [index, ...pages.flatMap((page) => routesOf(page, clock)), unknown];
}

function routesOf(page: DebugPage, clock: Clock): ExtraRoute[] {
  const path = `/debug/${page.name}`;
  const handler = async (request: ExtraRequest): Promise<ExtraReply> => {
    const { query, signal, params } = request;
    const asked: DebugRequest = { rest: params["rest"] ?? "", query, signal };
    const shown = await page.show(asked);
    if (shown === undefined) throw new StatusError("notFound", unknownName(page, path));
    // Too long for a table.
    if (shown instanceof JsonStream) return { stream: shown.toReadable(clock), contentType: "application/json" };
    if (wantsHtml(request)) {
      const drawn = page.draw?.(shown) ?? "";
      const body = `<p>${escapeHtml(page.help)}. <a href="/debug">All pages</a></p>\n${drawn}\n${htmlValue(shown)}`;
      return { text: htmlPage(path, body), contentType: htmlType };
    }
    return { text: `${JSON.stringify(shown, null, 2)}\n`, contentType: "application/json" };
  };
  return [
    { method: "GET", path, handler },
    { method: "GET", path: `${path}/{rest*}`, handler },
  ];
}

function unknownName({ usage }: DebugPage, path: string): string {
  return `${path} knows nothing of that name${usage === undefined ? "" : `; it is asked as ${path}${usage}`}`;
}

/** Browsers name HTML first; curl and the like take anything and get JSON. */
function wantsHtml({ accept, query }: ExtraRequest): boolean {
  return query.get("format") !== "json" && accept.includes("text/html");
}

/** The index is for people: JSON only where it is asked for. */
function wantsJson({ accept, query }: ExtraRequest): boolean {
  return query.get("format") === "json" || (accept.includes("application/json") && !accept.includes("text/html"));
}

function indexPage(pages: readonly DebugPage[]): string {
  const rows = pages.map(
    ({ name, usage = "", help }) =>
      `<tr><td><a href="/debug/${name}">/debug/${name}</a>${escapeHtml(usage)}</td><td>${escapeHtml(help)}</td></tr>`,
  );
  const table = `<table border="1" cellspacing="0" cellpadding="3">\n<tr><th align="left">Page</th><th align="left">What it shows</th></tr>\n${rows.join("\n")}\n</table>`;
  return htmlPage(
    "Lateen debug",
    `<p>JSON, or tables in a browser; <b>?format=json</b> for JSON there, too.</p>\n${table}`,
  );
}
