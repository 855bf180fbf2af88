import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

// Runs one benchmark: `npm run bench -- <subject> [options]`. Each folder beside this file is a subject; its main.ts says
// what it measures. Figures are printed and never asserted: they are the machine's as much as ours.

const folder = import.meta.dirname;
const entries = await readdir(folder, { withFileTypes: true });
const subjects = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
const [subject, ...options] = process.argv.slice(2);

if (subject === undefined || !subjects.includes(subject)) {
  if (subject !== undefined) console.error(`There is no benchmark "${subject}".`);
  console.error("Usage: npm run bench -- <subject>\nSubjects:");
  for (const name of subjects.toSorted()) console.error(`  ${name}`);
  process.exitCode = 2;
} else {
  const child = spawn(process.execPath, [join(folder, subject, "main.ts"), ...options], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  child.once("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}
