import { spawn } from "node:child_process";
import { join } from "node:path";
import { findProgram, installProgram } from "./debian-package.ts";

// Drives a real HAProxy: the one that AIBOS_HAPROXY names, else one of the PATH, else Debian's, which is installed when
// this is root. Words after `--` go to vitest.

const program = process.env["AIBOS_HAPROXY"] ?? findProgram("haproxy") ?? installProgram("haproxy");
if (program === undefined) {
  console.error("There is no HAProxy. Install one of 2.6 or newer, or name its program with AIBOS_HAPROXY.");
  process.exit(1);
}
const vitest = join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
const child = spawn(
  process.execPath,
  [vitest, "run", "--config", "vitest.engines.config.ts", ...process.argv.slice(2)],
  { stdio: "inherit", cwd: join(import.meta.dirname, ".."), env: { ...process.env, AIBOS_HAPROXY: program } },
);
child.once("exit", (code) => {
  process.exitCode = code ?? 1;
});
