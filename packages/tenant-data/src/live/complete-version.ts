import type { ClientBase } from "pg";
import { enterMigration, prepareLedger } from "../migrations/applied-migrations.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { lockTablesInOrder } from "./lock-tables-in-order.ts";
import { removeLiveVersions, writeLiveVersion } from "./live-store.ts";
import type { LiveVersion, SchemaTask } from "./live-version.ts";
import { inOrder, runTask } from "./run-task.ts";
import { replaceTriggers } from "./sync-trigger.ts";
import { settleSingle } from "./settle-single.ts";
import { dropVersionSchema } from "./version-views.ts";

/**
 * Contracts the schema, in the caller's transaction: the versions before this one go, with the tables and columns that
 * only they had. When it is the only one left, its names become the schema's, and there is neither view nor trigger.
 *
 * @param locked called when all tables are locked, before any is changed
 */
export async function completeVersion(
  client: ClientBase,
  schema: string,
  versions: readonly LiveVersion[],
  version: LiveVersion,
  locked: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const leaving = versions.filter(({ position }) => position < version.position);
  const staying = versions.filter(({ position }) => position >= version.position);
  const steps = versions.filter(({ position }) => position <= version.position);
  const relations = new Set(versions.flatMap(({ model }) => model.tables.map(({ relation }) => relation)));
  await lockTablesInOrder(client, schema, [...relations], [...staying, ...leaving]);
  await locked();
  for (const { version: name } of leaving) await dropVersionSchema(client, schema, name);
  // What keeps versions equal must not run for the changes below.
  await replaceTriggers(client, schema, []);
  const { relations: dropped, columns } = withoutVersions(leaving, staying);
  // They keep others' keys from being changed, and go in any case.
  await dropForeignKeysOf(client, schema, dropped);
  for (const step of steps) {
    for (const task of inOrder(step.completing)) await runTask(client, schema, task);
  }
  for (const task of columns) await runTask(client, schema, task);
  // At once: they may refer to one another.
  const tables = dropped.map((relation) => `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`);
  if (tables.length > 0) await client.query(`drop table if exists ${tables.join(", ")}`);
  await enterFiles(client, schema, steps);
  await removeLiveVersions(
    client,
    schema,
    leaving.map((one) => one.version),
  );
  const oldest: LiveVersion = {
    ...version,
    position: 0,
    links: [],
    replacements: [],
    finishing: [],
    completing: [],
    undoing: [],
    files: [],
    renaming: steps.flatMap((step) => step.renaming),
  };
  const rest = staying
    .filter((one) => one.version !== version.version)
    .map((one) => ({ ...one, position: one.position - version.position }));
  if (rest.length === 0) {
    await settleSingle(client, schema, oldest);
    return;
  }
  for (const one of [oldest, ...rest]) await writeLiveVersion(client, schema, one);
  await replaceTriggers(client, schema, [oldest, ...rest]);
}

/** What can't be rolled back any more is the data's history. */
async function enterFiles(client: ClientBase, schema: string, versions: readonly LiveVersion[]): Promise<void> {
  const files = versions.flatMap((version) => version.files);
  if (files.length === 0) return;
  await prepareLedger(client, schema);
  for (const file of files) await enterMigration(client, schema, file, true);
}

async function dropForeignKeysOf(client: ClientBase, schema: string, relations: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ relation: string; name: string }>(
    `select c.relname as relation, k.conname as name from pg_constraint k
       join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = any ($2::text[]) and k.contype = 'f' and k.conislocal`,
    [schema, relations],
  );
  for (const { relation, name } of rows) {
    await runTask(client, schema, { do: "drop-constraint", relation, constraint: name });
  }
}

/** Tables and columns that no staying version has. */
function withoutVersions(
  leaving: readonly LiveVersion[],
  staying: readonly LiveVersion[],
): { relations: string[]; columns: SchemaTask[] } {
  const kept = new Map<string, Set<string>>();
  for (const { model } of staying) {
    for (const { relation, columns } of model.tables) {
      const known = kept.get(relation) ?? new Set<string>();
      for (const { column } of columns) known.add(column);
      kept.set(relation, known);
    }
  }
  const replacements = new Map(
    [...leaving, ...staying].flatMap(({ replacements: all }) =>
      all.map(({ relation, from, to }) => [JSON.stringify([relation, from]), to] as const),
    ),
  );
  const relations = new Set<string>();
  const tasks = new Map<string, SchemaTask>();
  for (const { model } of leaving) {
    for (const { relation, columns } of model.tables) {
      const known = kept.get(relation);
      if (known === undefined) {
        relations.add(relation);
        continue;
      }
      for (const { column } of columns) {
        if (known.has(column)) continue;
        const key = JSON.stringify([relation, column]);
        let replacement = replacements.get(key);
        // Through versions that go as well.
        while (replacement !== undefined && !known.has(replacement)) {
          replacement = replacements.get(JSON.stringify([relation, replacement]));
        }
        tasks.set(key, {
          do: "drop-column",
          relation,
          column,
          ...(replacement === undefined ? {} : { replacement }),
        });
      }
    }
  }
  return { relations: [...relations], columns: [...tasks.values()] };
}
