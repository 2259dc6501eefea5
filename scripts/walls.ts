// Generates every tsconfig.json from the table in ARCHITECTURE.md, and compares the imports with its last column.
//
//   node scripts/walls.ts            writes the files
//   node scripts/walls.ts --check    fails where a file differs or an import is not allowed
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");

interface Room {
  folder: string;
  name: string;
  imports: string[];
  packages: string[];
}

function readTable(): Room[] {
  const rooms: Room[] = [];
  for (const line of readFileSync(join(root, "ARCHITECTURE.md"), "utf8").split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    const folder = /^`((?:src\/|gen)[a-z/]*)\/`$/.exec(cells[1] ?? "")?.[1];
    if (folder === undefined) continue;
    const list = (cell: string | undefined): string[] =>
      (cell ?? "")
        .split(",")
        .map((word) => word.trim())
        .filter((word) => word !== "" && word !== "–");
    rooms.push({ folder, name: folder.replace("src/", ""), imports: list(cells[3]), packages: list(cells[4]) });
  }
  return rooms;
}

const testPatterns = ["**/*.test.ts", "**/*.suite.ts", "**/*.fake.ts"];

function configOf(room: Room, rooms: readonly Room[]): object {
  const up = room.folder
    .split("/")
    .map(() => "..")
    .join("/");
  const usesNode = room.packages.some((name) => name.startsWith("node:"));
  return {
    extends: `${up}/tsconfig.base.json`,
    compilerOptions: {
      outDir: `${up}/dist/types/${room.folder}`,
      tsBuildInfoFile: `${up}/dist/types/${room.folder}.tsbuildinfo`,
      rootDir: ".",
      ...(usesNode ? { types: ["node"] } : {}),
    },
    include: ["**/*.ts"],
    exclude: testPatterns,
    references: room.imports.map((name) => {
      const target = rooms.find((other) => other.name === name);
      if (target === undefined)
        throw new TypeError(`ARCHITECTURE.md: ${room.folder} may import ${name}, which is no folder`);
      return { path: `${up}/${target.folder}` };
    }),
  };
}

function outputs(rooms: readonly Room[]): Map<string, object> {
  const files = new Map<string, object>();
  for (const room of rooms) files.set(join(room.folder, "tsconfig.json"), configOf(room, rooms));
  const all = rooms.map((room) => ({ path: `./${room.folder}` }));
  files.set("tsconfig.test.json", {
    extends: "./tsconfig.base.json",
    compilerOptions: {
      outDir: "dist/types/test",
      tsBuildInfoFile: "dist/types/test.tsbuildinfo",
      rootDir: ".",
      types: ["node"],
    },
    include: [...testPatterns.map((pattern) => `src/${pattern}`), "test/**/*.ts", "scripts/**/*.ts", "demo/**/*.ts"],
    exclude: ["test/fixtures"],
    references: all,
  });
  files.set("tsconfig.json", { files: [], references: [...all, { path: "./tsconfig.test.json" }] });
  return files;
}

function importProblems(room: Room, everyPackage: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  if (room.name === "gen") return problems;
  for (const file of globSync(`${room.folder}/**/*.ts`, { cwd: root })) {
    if (/\.(test|suite|fake)\.ts$/.test(file)) continue;
    const text = readFileSync(join(root, file), "utf8");
    for (const match of text.matchAll(/(?:from|import)\s*\(?\s*"([^".][^"]*)"/g)) {
      const specifier = match[1] ?? "";
      const known =
        specifier.startsWith("node:") || builtinModules.includes(specifier) || everyPackage.has(packageOf(specifier));
      const allowed = specifier.startsWith("node:")
        ? room.packages.includes("node:*") || room.packages.includes(specifier)
        : room.packages.includes(packageOf(specifier));
      if (known && !allowed)
        problems.push(`${file}: ${room.folder} may not import ${specifier} (table in ARCHITECTURE.md)`);
    }
  }
  return problems;
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

const rooms = readTable();
const check = process.argv.includes("--check");
const problems: string[] = [];
for (const [path, config] of outputs(rooms)) {
  const text = `${JSON.stringify(config, null, 2)}\n`;
  const old = existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "";
  if (JSON.stringify(old === "" ? null : JSON.parse(old)) === JSON.stringify(config)) continue;
  if (check) problems.push(`${path} differs from the table in ARCHITECTURE.md; run npm run walls`);
  else if (existsSync(join(root, dirname(path)))) writeFileSync(join(root, path), text);
}
if (check) {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<
    string,
    Record<string, string>
  >;
  const every = new Set(["dependencies", "devDependencies"].flatMap((key) => Object.keys(manifest[key] ?? {})));
  for (const room of rooms) problems.push(...importProblems(room, every));
  for (const folder of globSync("src/*", { cwd: root })) {
    if (!rooms.some((room) => room.folder === folder))
      problems.push(`${folder} is missing in the table of ARCHITECTURE.md`);
  }
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
