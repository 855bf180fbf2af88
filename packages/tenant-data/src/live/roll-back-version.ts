import type { ClientBase } from "pg";
import { dropBackfillPolicies } from "./backfill-policy.ts";
import { lockTablesInOrder } from "./lock-tables-in-order.ts";
import { removeLiveVersions } from "./live-store.ts";
import type { LiveVersion } from "./live-version.ts";
import { runTask } from "./run-task.ts";
import { replaceTriggers } from "./sync-trigger.ts";
import { settleSingle } from "./settle-single.ts";
import { dropVersionSchema } from "./version-views.ts";

/**
 * Takes a version and those after it away, in the caller's transaction. What was written through them is in the older
 * versions' columns, as far as those can hold it.
 *
 * @param locked called when all tables are locked, before any is changed
 */
export async function rollBackVersion(
  client: ClientBase,
  schema: string,
  versions: readonly LiveVersion[],
  version: LiveVersion,
  locked: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const leaving = versions.filter(({ position }) => position >= version.position).toReversed();
  const staying = versions.filter(({ position }) => position < version.position);
  const relations = new Set(versions.flatMap(({ model }) => model.tables.map(({ relation }) => relation)));
  await lockTablesInOrder(client, schema, [...relations], [...staying, ...leaving]);
  await locked();
  for (const { version: name } of leaving) await dropVersionSchema(client, schema, name);
  await replaceTriggers(client, schema, []);
  await dropBackfillPolicies(client, schema);
  for (const one of leaving) {
    for (const task of one.undoing) await runTask(client, schema, task);
  }
  await removeLiveVersions(
    client,
    schema,
    leaving.map((one) => one.version),
  );
  const [only, ...others] = staying;
  if (only !== undefined && others.length === 0) await settleSingle(client, schema, only);
  else await replaceTriggers(client, schema, staying);
}
