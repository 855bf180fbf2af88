import { existsSync } from "node:fs";
import { join } from "node:path";

// What the tenant data engine costs, each part against the plain way: `npm run bench -- tenant-data [part]`.

const PARTS = ["rollback-point", "backup", "live-writes", "backfill"].filter((part) =>
  existsSync(join(import.meta.dirname, `${part}.ts`)),
);
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const unknown = wanted.filter((part) => !PARTS.includes(part));

if (unknown.length > 0) {
  console.error(`There is no part "${unknown.join('", "')}". Parts: ${PARTS.join(", ")}.`);
  process.exitCode = 2;
} else {
  for (const part of wanted.length === 0 ? PARTS : wanted) {
    const loaded: { measure(): Promise<void> } = await import(`./${part}.ts`);
    await loaded.measure();
    console.log();
  }
}
