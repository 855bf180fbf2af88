import type { TableChange } from "@aibos/domain";
import type { TenantSession } from "../roles/tenant-session.ts";
import type { CustomFieldChoices } from "../operations/start-context.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { CUSTOM_FIELDS_TABLE, readCustomFields } from "./custom-fields.ts";

/** A field whose values wait under another name for the column that takes them over. */
interface Waiting {
  /** As the table is called when all is done. */
  readonly table: string;
  readonly column: string;
  readonly under: string;
}

/**
 * Runs SQL files on data that nobody else uses, with a tenant's own columns out of their way: a field that is adopted
 * waits under another name and then gives the release's column its values, where it has any; one that is kept gets its
 * new name before.
 *
 * @param changes what the files do, in order
 */
export async function withFieldsAside<T>(
  { client, place: { schema } }: TenantSession,
  changes: readonly TableChange[],
  choices: CustomFieldChoices,
  run: () => Promise<T>,
): Promise<T> {
  const fields = await readCustomFields(client, schema);
  if (fields.size === 0) return run();
  const base = quoteIdentifier(schema);
  const registry = `${base}.${CUSTOM_FIELDS_TABLE}`;
  const waiting: Waiting[] = [];

  const inTransaction = async (work: () => Promise<void>): Promise<void> => {
    await client.query("begin");
    try {
      await work();
      await client.query("commit");
    } catch (error) {
      await client.query("rollback");
      throw error;
    }
  };

  await inTransaction(async () => {
    for (const [index, change] of changes.entries()) {
      if (change.change !== "bring-column") continue;
      const { table, column } = change;
      const choice = choices.get(`${table}.${column}`);
      const now = nameBefore(table, changes.slice(0, index));
      if (choice === undefined || fields.get(now)?.has(column) !== true) continue;
      const under = "rename" in choice ? choice.rename : `aibos_adopted_${index}`;
      await client.query(
        `alter table ${base}.${quoteIdentifier(now)} rename column ${quoteIdentifier(column)} to ${quoteIdentifier(under)}`,
      );
      const values = [now, column];
      if ("rename" in choice) {
        const set = `update ${registry} set column_name = $3 where relation = $1 and column_name = $2`;
        await client.query(set, [...values, under]);
      } else {
        await client.query(`delete from ${registry} where relation = $1 and column_name = $2`, values);
        waiting.push({ table: nameAfter(table, changes.slice(index + 1)), column, under });
      }
    }
  });
  const result = await run();
  await inTransaction(async () => {
    for (const { table, column, under } of waiting) {
      const name = `${base}.${quoteIdentifier(table)}`;
      const [to, from] = [quoteIdentifier(column), quoteIdentifier(under)];
      const type = await typeOf(client, name, column);
      await client.query(`update ${name} set ${to} = ${from}::${type} where ${from} is not null`);
      await client.query(`alter table ${name} drop column ${from}`);
    }
    for (const change of changes) {
      if (change.change === "rename-table") {
        await client.query(`update ${registry} set relation = $2 where relation = $1`, [change.from, change.to]);
      }
      if (change.change === "drop-table") {
        await client.query(`delete from ${registry} where relation = $1`, [change.table]);
      }
    }
  });
  return result;
}

async function typeOf(client: TenantSession["client"], table: string, column: string): Promise<string> {
  const { rows } = await client.query<{ type: string }>(
    "select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = $1::regclass and attname = $2",
    [table, column],
  );
  return rows[0]?.type ?? "text";
}

function nameBefore(table: string, changes: readonly TableChange[]): string {
  return changes.reduceRight(
    (name, change) => (change.change === "rename-table" && change.to === name ? change.from : name),
    table,
  );
}

function nameAfter(table: string, changes: readonly TableChange[]): string {
  return changes.reduce(
    (name, change) => (change.change === "rename-table" && change.from === name ? change.to : name),
    table,
  );
}
