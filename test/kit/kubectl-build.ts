// Builds the real kubectl from its Go module, once, into the cache.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../../src/kernel/command.ts";
import { cacheFolder } from "../../src/kernel/wheel.ts";

/** kubectl 1.36. */
const version = "v0.36.2";

const main = `package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
`;

/**
 * The path of the program, or why there is none: no Go, or its modules cannot be had. The first build takes some minutes.
 *
 * @throws LateenError LAT4001 where the build itself fails
 */
export async function buildKubectl(say: (line: string) => void): Promise<{ path: string } | { missing: string }> {
  const path = join(cacheFolder(), `kubectl-${version}`);
  if (existsSync(path)) return { path };
  const go = await runCommand("go", ["version"]).catch(() => undefined);
  if (go === undefined) return { missing: "there is no Go on this machine" };
  mkdirSync(cacheFolder(), { recursive: true });
  const work = mkdtempSync(join(cacheFolder(), ".kubectl-"));
  try {
    writeFileSync(join(work, "main.go"), main);
    const inWork = (...args: string[]) => runCommand("go", ["-C", work, ...args]);
    say(`building kubectl ${version}, which takes some minutes the first time`);
    await inWork("mod", "init", "kubectl");
    try {
      await inWork("get", `k8s.io/kubectl@${version}`, `k8s.io/component-base@${version}`);
      await inWork("mod", "tidy");
    } catch (error) {
      return { missing: `Go's modules cannot be had: ${error instanceof Error ? error.message : String(error)}` };
    }
    await inWork("build", "-o", "kubectl", ".");
    renameSync(join(work, "kubectl"), path);
    return { path };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
