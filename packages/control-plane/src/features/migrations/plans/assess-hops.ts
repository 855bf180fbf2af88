import type { Problem } from "@aibos/contract";
import type { ModuleId, Version } from "@aibos/domain";
import { assessStatements, type FindingCode } from "@aibos/tenant-data";
import { MAX_WAIT_MS } from "../steps/hold.ts";
import { firstExclusive } from "./live-hops.ts";
import type { ModuleReadModel } from "../../modules/module-read-model.ts";

/**
 * What matters for a change during which requests are held: locks that others would wait for do not, but all that makes
 * it long, all that is lost, and all that can't be told.
 */
const TOLD: ReadonlySet<FindingCode> = new Set([
  "rewrites-table",
  "scans-table",
  "writes-all-rows",
  "loses-data",
  "unknown",
]);
const MOST = 20;

/**
 * Reads the SQL of all releases on a way that keeps requests waiting, says so, and warns of what it does, file by file.
 * Nothing is run.
 */
export async function assessHops(
  modules: ModuleReadModel,
  module: ModuleId,
  path: readonly Version[],
): Promise<Problem[]> {
  const exclusive = await firstExclusive(modules, module, path);
  if (exclusive === undefined) return [];
  const warnings: Problem[] = [];
  for (const [index, version] of path.entries()) {
    const before = path[index - 1];
    if (before === undefined) continue;
    const known = (await modules.readMigrations(module, before)).length;
    for (const migration of (await modules.readMigrations(module, version)).slice(known)) {
      // What operations do to the tables is looked at where these are.
      if (migration.kind === "operations") continue;
      const { up } = migration;
      for (const { line, statement, findings } of await assessStatements(up.sql)) {
        for (const { code, message, safer } of findings) {
          if (!TOLD.has(code)) continue;
          warnings.push({
            code: `AIBOS_SQL_${code.toUpperCase().replaceAll("-", "_")}`,
            severity: "warning",
            message: `${version}, ${up.file}:${line} (${statement.slice(0, 60)}): ${message}`,
            wayOut: safer ?? "Nothing does it more gently: rehearse the move, and choose a quiet hour.",
          });
        }
      }
    }
  }
  const live = path.slice(1, path.indexOf(exclusive)).at(-1);
  const held: Problem = {
    code: "AIBOS_REQUESTS_HELD",
    severity: "warning",
    message:
      `${exclusive} changes the data by SQL files: the tenant's requests wait at the gateway meanwhile, at most ` +
      `${MAX_WAIT_MS / 1_000} s, and get 503 with Retry-After after that.` +
      (live === undefined ? "" : ` Move to ${live} first, which needs no hold, to keep it short.`),
    wayOut: "Choose a quiet hour (scheduledTime), or have the module's author write operations in place of SQL files.",
  };
  warnings.unshift(held);
  if (warnings.length <= MOST) return warnings;
  const more = { code: "AIBOS_SQL_MORE", severity: "warning", message: `And ${warnings.length - MOST} more.` } as const;
  return [...warnings.slice(0, MOST), more];
}
