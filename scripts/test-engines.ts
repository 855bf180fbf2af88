import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

// Drives a real HAProxy: the one that AIBOS_HAPROXY names, else one of the PATH, else Debian's, which is installed when
// this is root. Words after `--` go to vitest.

const program = process.env["AIBOS_HAPROXY"] ?? find() ?? install();
const vitest = join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
const child = spawn(
  process.execPath,
  [vitest, "run", "--config", "vitest.engines.config.ts", ...process.argv.slice(2)],
  { stdio: "inherit", cwd: join(import.meta.dirname, ".."), env: { ...process.env, AIBOS_HAPROXY: program } },
);
child.once("exit", (code) => {
  process.exitCode = code ?? 1;
});

function find(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, "haproxy")).find((path) => existsSync(path));
}

function install(): string {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    console.error("There is no HAProxy. Install one of 2.6 or newer, or name its program with AIBOS_HAPROXY.");
    process.exit(1);
  }
  const quiet = { stdio: ["ignore", "ignore", "inherit"] as ["ignore", "ignore", "inherit"] };
  execFileSync("apt-get", ["update", "-qq"], quiet);
  execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "haproxy"], {
    ...quiet,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  return find() ?? "/usr/sbin/haproxy";
}
