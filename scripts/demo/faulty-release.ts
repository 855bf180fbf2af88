import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publish } from "./publish-examples.ts";

const RELEASE = fileURLToPath(new URL("../../examples/accounting/1.5.0", import.meta.url));
const MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));

/**
 * A patch release of accounting 1.5.0 that shows an invoice's average payment, and divides by zero without any. Behind the
 * flag ai_insights_enabled it divides by the number of void invoices, of which there are none.
 */
export const FAULTY = "1.5.1";

/** What its author changed: in which file, what, and into what. */
const CHANGES: readonly (readonly [file: string, from: string, to: string])[] = [
  ["aibos.module.yaml", 'version: "1.5.0"', `version: "${FAULTY}"`],
  ["aibos.module.yaml", 'from: ">=1.0.0 <1.5.0"', 'from: "1.5.0"'],
  ["aibos.module.yaml", 'compatibleWith: ">=1.0.0 <1.5.0"', `compatibleWith: ">=1.0.0 <${FAULTY}"`],
  ["package.json", '"version": "1.5.0"', `"version": "${FAULTY}"`],
  ["src/invoice.ts", "payments: readonly Payment[] }>", "payments: readonly Payment[]; average_payment: string }>"],
  [
    "src/invoice.ts",
    "  return { ...invoice, lines, payments };",
    `  const average = BigInt(Math.round(Number(invoice.paid) * 100)) / BigInt(payments.length);
  return { ...invoice, lines, payments, average_payment: (Number(average) / 100).toFixed(2) };`,
  ],
  [
    "src/home.ts",
    "t.amount > 3 * m.middle",
    "t.amount / (select count(*) from invoices where status = 'void') > m.middle",
  ],
];

/** Makes the release from 1.5.0 in a temporary folder and publishes it. Gives what the command printed. */
export async function publishFaultyRelease(dataFolder: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aibos-demo-release-"));
  try {
    await cp(RELEASE, folder, { recursive: true, filter: (path) => !/[\\/](dist|node_modules)$/.test(path) });
    // What it is built with and from; it is never packed.
    await symlink(MODULES, join(folder, "node_modules"), "junction");
    for (const [file, from, to] of CHANGES) await change(join(folder, file), from, to);
    return await publish(folder, dataFolder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function change(file: string, from: string, to: string): Promise<void> {
  const [before = "", after, ...more] = (await readFile(file, "utf8")).split(from);
  if (after === undefined || more.length > 0) throw new Error(`${file} does not have once: ${from}`);
  await writeFile(file, before + to + after);
}
