import { onlyWith } from "./fingerprint/schema-contents.ts";

/**
 * Names of what the engine derives from the live versions of a schema: triggers and functions that keep versions
 * consistent, policies that let a backfill see every row. They are no part of a tenant's data: the engine makes them
 * anew after a restore, so that copies, backups and fingerprints leave them out.
 */
export const DERIVED_PREFIXES: readonly string[] = ["aibos_sync", "aibos_backfill"];

/** A condition in SQL: the name in a column is not one of a derived object. `!` and `~` put triggers before and after others. */
export function isNotDerived(column: string): string {
  return DERIVED_PREFIXES.map((prefix) => `not starts_with(ltrim(${column}::text, '!~'), '${prefix}')`).join(" and ");
}

/** A condition in SQL: an object did not come with an extension, which keeps its objects itself. */
export function isNotOfExtension(catalog: string, oid: string): string {
  const condition = `not exists (select from pg_depend e where e.classid = '${catalog}'::regclass and e.objid = ${oid}
    and e.deptype = 'e')`;
  return onlyWith("extension", condition, "true");
}
