#!/usr/bin/env node
// Plain JavaScript for Node 20 and later: the command itself is TypeScript, which only newer ones run. On an older Node
// it starts again on the one that the project has as a development dependency.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  module.enableCompileCache?.();
  await import("../src/main.ts");
} else {
  startAgain(newerNode());
}

/** The program of the npm package `node`, looked for in each `node_modules` from here upwards. */
function newerNode() {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const program = join(folder, "node_modules", "node", "bin", "node");
    if (existsSync(program)) return program;
    if (folder === dirname(folder)) return undefined;
  }
}

function startAgain(program) {
  if (program === undefined) {
    process.stderr.write(
      `✖ aibos-versions needs Node 22.18 or later, and this is ${process.version}.\n` +
        `  Run "npm ci" in the project's folder, which brings one, or install a newer Node.\n`,
    );
    process.exitCode = 3;
    return;
  }
  // The channel tells the child when this process is killed: a program in the foreground then stops in order.
  const child = spawn(program, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  // From a terminal the child gets them too, and it decides what they mean.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`✖ ${program} can't be started: ${error.message}\n`);
    process.exit(3);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
