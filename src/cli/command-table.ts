// Every command, by name. Its module is imported when it is run or asked for help, so that starting stays light.
import type { Command } from "commander";
import type { Context } from "./context.ts";

export interface CommandEntry {
  name: string;
  aliases: readonly string[];
  summary: string;
  group: string;
  load(context: Context): Promise<Command>;
}

const run = "Run the mesh";
const configure = "Configure";
const look = "Look inside";
const other = "Other";

export const commandTable: readonly CommandEntry[] = [
  {
    name: "up",
    aliases: [],
    summary: "run a control plane",
    group: run,
    load: async (context) => (await import("./commands/up.ts")).upCommand(context),
  },
  {
    name: "token",
    aliases: [],
    summary: "make, list and take back join tokens",
    group: run,
    load: async (context) => (await import("./commands/token.ts")).tokenCommand(context),
  },
  {
    name: "join",
    aliases: [],
    summary: "take this machine into the mesh",
    group: run,
    load: async (context) => (await import("./commands/join.ts")).joinCommand(context),
  },
  {
    name: "agent",
    aliases: [],
    summary: "run the agent of a machine that has joined",
    group: run,
    load: async (context) => (await import("./commands/agent.ts")).agentCommand(context),
  },
  {
    name: "leave",
    aliases: [],
    summary: "take this machine out of the mesh",
    group: run,
    load: async (context) => (await import("./commands/leave.ts")).leaveCommand(context),
  },
  {
    name: "apply",
    aliases: [],
    summary: "create or change objects as files say",
    group: configure,
    load: async (context) => (await import("./commands/apply.ts")).applyCommand(context),
  },
  {
    name: "create",
    aliases: [],
    summary: "create objects from files",
    group: configure,
    load: async (context) => (await import("./commands/create.ts")).createCommand(context),
  },
  {
    name: "get",
    aliases: [],
    summary: "show objects",
    group: configure,
    load: async (context) => (await import("./commands/get.ts")).getCommand(context),
  },
  {
    name: "describe",
    aliases: [],
    summary: "show one object with its status and problems",
    group: configure,
    load: async (context) => (await import("./commands/describe.ts")).describeCommand(context),
  },
  {
    name: "delete",
    aliases: [],
    summary: "delete objects",
    group: configure,
    load: async (context) => (await import("./commands/delete.ts")).deleteCommand(context),
  },
  {
    name: "explain",
    aliases: [],
    summary: "explain kinds and their fields",
    group: configure,
    load: async (context) => (await import("./commands/explain.ts")).explainCommand(context),
  },
  {
    name: "proxy-status",
    aliases: ["ps"],
    summary: "show whether each proxy has the current configuration",
    group: look,
    load: async (context) => (await import("./commands/proxy-status.ts")).proxyStatusCommand(context),
  },
  {
    name: "proxy-config",
    aliases: ["pc"],
    summary: "show the configuration that a machine's Envoy holds",
    group: look,
    load: async (context) => (await import("./commands/proxy-config.ts")).proxyConfigCommand(context),
  },
  {
    name: "debug",
    aliases: [],
    summary: "show what the control plane sees, page by page",
    group: look,
    load: async (context) => (await import("./commands/debug.ts")).debugCommand(context),
  },
  {
    name: "profile",
    aliases: [],
    summary: "take a CPU or heap profile of the control plane",
    group: look,
    load: async (context) => (await import("./commands/profile.ts")).profileCommand(context),
  },
  {
    name: "version",
    aliases: [],
    summary: "show versions",
    group: look,
    load: async (context) => (await import("./commands/version.ts")).versionCommand(context),
  },
  {
    name: "completion",
    aliases: [],
    summary: "print a completion script for a shell",
    group: other,
    load: async (context) => (await import("./commands/completion.ts")).completionCommand(context),
  },
];

export function findCommand(name: string): CommandEntry | undefined {
  return commandTable.find((entry) => entry.name === name || entry.aliases.includes(name));
}
