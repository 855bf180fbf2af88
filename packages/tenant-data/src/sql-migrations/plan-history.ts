import type { Migration } from "../migrations/migration.ts";
import { ONLY_PUBLIC, type OwnSchemas } from "./own-schemas.ts";
import { planSqlFile, type SqlFilePlan } from "./plan-sql-file.ts";
import type { SqlMigration } from "./sql-migration.ts";

export interface HistoryPlan {
  readonly plans: readonly SqlFilePlan[];
  /** After all of them. */
  readonly schemas: OwnSchemas;
}

/**
 * Plans the up files that come after others. Those others are read only where the history has schemas of its own, which
 * later files name.
 *
 * @throws MigrationFileError
 */
export async function planHistory(
  before: readonly Migration[],
  migrations: readonly SqlMigration[],
): Promise<HistoryPlan> {
  const earlier = before.filter((migration) => migration.kind === "sql");
  const hasSchemas = [...earlier, ...migrations].some(({ up }) => HAS_SCHEMA.test(up.sql));
  let schemas = ONLY_PUBLIC;
  if (hasSchemas) for (const { up } of earlier) ({ schemas } = await planSqlFile(up, schemas));
  const plans: SqlFilePlan[] = [];
  for (const { up } of migrations) {
    const plan = await planSqlFile(up, schemas);
    ({ schemas } = plan);
    plans.push(plan);
  }
  return { plans, schemas };
}

/** Makes a schema, or has an extension in one. */
const HAS_SCHEMA = /\bcreate\s+schema\b|\bextension\b[^;]*\bschema\s+(?!"?(?:public|pg_catalog)\b)/i;
