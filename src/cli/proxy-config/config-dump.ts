// Envoy's config dump (admin interface, envoy.admin.v3.ConfigDump) as plain JSON.

import { type Fields, isFields } from "../../kernel/fields.ts";
import { cliErrors } from "../errors.ts";
import { fieldsOf, listOf, textOf } from "../json-value.ts";

export type DumpSection = "Bootstrap" | "Clusters" | "Listeners" | "Routes" | "Secrets" | "Endpoints";

export interface ConfigDump {
  /** Everything, as Envoy wrote it. */
  readonly raw: Fields;
  section(name: DumpSection): Fields;
}

/**
 * Reads the text of `/config_dump?include_eds`.
 *
 * @throws LateenError LAT9012
 */
export function readConfigDump(text: string): ConfigDump {
  const raw = parseDump(text);
  if (!Array.isArray(raw["configs"]))
    throw cliErrors.badConfigDump("the text has no list of configs, as a config dump has");
  const sections = new Map<string, Fields>();
  for (const config of listOf(raw["configs"]).map(fieldsOf)) {
    const type = /\.([A-Za-z]+)ConfigDump$/.exec(textOf(config["@type"]))?.[1];
    if (type !== undefined && !sections.has(type)) sections.set(type, config);
  }
  return { raw, section: (name) => sections.get(name) ?? {} };
}

/** @throws LateenError LAT9012 */
export function parseDump(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw cliErrors.badConfigDump("the text is not JSON");
  }
  if (!isFields(value)) throw cliErrors.badConfigDump("the text is not a JSON object");
  return value;
}

/** A field by Envoy's spelling (`dynamic_active_clusters`), or by that of protobuf's JSON (`dynamicActiveClusters`). */
export function pick(value: unknown, name: string): unknown {
  const fields = fieldsOf(value);
  if (Object.hasOwn(fields, name)) return fields[name];
  const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.hasOwn(fields, camel) ? fields[camel] : undefined;
}

/** `pick` along a path of names. */
export function pickAt(value: unknown, ...names: readonly string[]): unknown {
  let current = value;
  for (const name of names) current = pick(current, name);
  return current;
}

/** The items of several lists of a section, each by the field that holds it. */
export function itemsOf(section: Fields, places: readonly (readonly [list: string, ...path: string[]])[]): Fields[] {
  return places.flatMap(([list, ...path]) =>
    listOf(pick(section, list))
      .map((item) => pickAt(item, ...path))
      .filter(isFields),
  );
}
