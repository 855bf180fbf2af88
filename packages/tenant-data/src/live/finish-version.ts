import { type ClientBase, DatabaseError } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { OperationInvalidError } from "../operations/operation-invalid-error.ts";
import { dropBackfillPolicies } from "./backfill-policy.ts";
import { boundReferences } from "./bound-references.ts";
import { readLiveVersions, writeLiveVersion } from "./live-store.ts";
import type { LiveVersion, SchemaTask } from "./live-version.ts";
import { inLockedTransaction, type LockPatience, withoutTransaction } from "./lock-retry.ts";
import { inOrder, runTask } from "./run-task.ts";
import { replaceTriggers } from "./sync-trigger.ts";
import { createViews } from "./version-views.ts";

/** A table above this size is not indexed while nobody can write to it. */
const SMALL_BYTES = 8 * 1_048_576;

/**
 * Builds a version's indexes, has its constraints checked, and makes it active: its views are there from one moment to
 * the next. Each part leaves writers alone.
 */
export async function finishVersion(
  client: ClientBase,
  schema: string,
  version: LiveVersion,
  { patience, fence, exclusive }: { patience: LockPatience; fence: () => Promise<void>; exclusive: boolean },
): Promise<void> {
  for (const task of inOrder(version.finishing)) {
    if (task.do === "create-index" && !exclusive && !(await isPartitioned(client, schema, task.relation))) {
      await buildIndex(client, schema, { task, patience, fence }).catch((cause: unknown) => {
        throw taskFailure(cause, version, task);
      });
      continue;
    }
    if (task.do === "create-index" && !exclusive) await refuseLarge(client, schema, version, task);
    await inLockedTransaction(client, `Finishing ${version.version}`, patience, async () => {
      await fence();
      await runTask(client, schema, task);
    }).catch((cause: unknown) => {
      throw taskFailure(cause, version, task);
    });
  }
  await refuseBound(client, schema, version);
  await inLockedTransaction(client, `Activating ${version.version}`, patience, async () => {
    await fence();
    await activateVersion(client, schema, version);
  });
}

/** Foreign keys of the version's own, which are made by now, may have been bound to an index that is to go. */
async function refuseBound(client: ClientBase, schema: string, version: LiveVersion): Promise<void> {
  const versions = await readLiveVersions(client, schema);
  const completing = versions.filter(({ position }) => position <= version.position).flatMap((one) => one.completing);
  const [bound] = await boundReferences(client, schema, { where: version.version, model: version.model, completing });
  if (bound !== undefined) throw bound;
}

/** Makes a version that is right visible, in the caller's transaction. */
export async function activateVersion(client: ClientBase, schema: string, version: LiveVersion): Promise<void> {
  await createViews(client, { schema, version: version.version, model: version.model });
  const versions = (await readLiveVersions(client, schema)).map((one): LiveVersion =>
    one.version === version.version ? { ...one, phase: "active" } : one,
  );
  const active = versions.find((one) => one.version === version.version);
  if (active === undefined) throw new RangeError(`${version.version} is not live.`);
  await writeLiveVersion(client, schema, active);
  await dropBackfillPolicies(client, schema);
  await replaceTriggers(client, schema, versions);
}

/** What was begun and not ended is invalid, and is built anew. */
async function buildIndex(
  client: ClientBase,
  schema: string,
  {
    task,
    patience,
    fence,
  }: { task: SchemaTask & { do: "create-index" }; patience: LockPatience; fence: () => Promise<void> },
): Promise<void> {
  const name = `${quoteIdentifier(schema)}.${quoteIdentifier(task.index)}`;
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(task.relation)}`;
  await inLockedTransaction(client, `Building index "${task.index}"`, patience, fence);
  await withoutTransaction(client, `Building index "${task.index}"`, patience, async () => {
    const { rows } = await client.query<{ valid: boolean }>(
      "select i.indisvalid and i.indisready as valid from pg_index i where i.indexrelid = to_regclass($1)",
      [name],
    );
    if (rows[0]?.valid === true) return;
    if (rows.length > 0) await client.query(`drop index if exists ${name}`);
    await client.query(
      `create ${task.unique ? "unique " : ""}index concurrently ${quoteIdentifier(task.index)} on ${table} ${task.definition}`,
    );
  });
}

async function isPartitioned(client: ClientBase, schema: string, relation: string): Promise<boolean> {
  const { rows } = await client.query<{ partitioned: boolean }>(
    `select c.relkind = 'p' as partitioned from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2`,
    [schema, relation],
  );
  return rows[0]?.partitioned === true;
}

async function refuseLarge(
  client: ClientBase,
  schema: string,
  version: LiveVersion,
  task: SchemaTask & { do: "create-index" },
): Promise<void> {
  const { rows } = await client.query<{ bytes: number }>(
    "select coalesce(sum(pg_relation_size(relid)), 0)::float8 as bytes from pg_partition_tree($1::regclass)",
    [`${quoteIdentifier(schema)}.${quoteIdentifier(task.relation)}`],
  );
  const refusal = largeIndexRefusal(version, task, rows[0]?.bytes ?? 0);
  if (refusal !== undefined) throw refusal;
}

/** The reason not to build an index on a partitioned table of a size; undefined when it may be built. */
export function largeIndexRefusal(
  version: LiveVersion,
  task: SchemaTask & { do: "create-index" },
  bytes: number,
): OperationInvalidError | undefined {
  if (bytes <= SMALL_BYTES) return undefined;
  return new OperationInvalidError(
    version.version,
    `index "${task.index}" is on the partitioned table "${task.relation}", where PostgreSQL can't build one without keeping ` +
      "writers out, and the table is large. Build it on each partition first, or use an exclusive SQL migration.",
  );
}

/** What the server says of a task is about the release. */
export function taskFailure(cause: unknown, version: LiveVersion, task: SchemaTask): unknown {
  if (!(cause instanceof DatabaseError) || /^(08|40|53|55|57)/.test(cause.code ?? "")) return cause;
  const detail = cause.detail === undefined ? "" : ` ${cause.detail}`;
  return new OperationInvalidError(
    version.version,
    `${describeTask(task)} failed: ${cause.message} (SQLSTATE ${cause.code}).${detail}`,
    { cause, sqlState: cause.code },
  );
}

function describeTask(task: SchemaTask): string {
  if (task.do === "create-index") return `building index "${task.index}" on "${task.relation}"`;
  if (task.do === "validate-constraint") return `checking constraint "${task.constraint}" of "${task.relation}"`;
  if (task.do === "add-foreign-key") return `adding foreign key "${task.constraint}" to "${task.relation}"`;
  return task.do;
}
