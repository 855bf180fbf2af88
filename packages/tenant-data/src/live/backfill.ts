import { setTimeout as sleep } from "node:timers/promises";
import { type ClientBase, DatabaseError } from "pg";
import { queryAll } from "../query-all.ts";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { BACKFILL_CONDITION, BACKFILL_KEY_SETTING, keyIn } from "./backfill-policy.ts";
import { DataVersionNotLiveError } from "./data-version-not-live-error.ts";
import { explainFailure } from "./explain-failure.ts";
import { enterFilling, enterFillingOver } from "./filled-rows.ts";
import { writeBackfillState } from "./live-store.ts";
import type { BackfillState, Conversion, LiveVersion } from "./live-version.ts";
import { inLockedTransaction, type LockPatience } from "./lock-retry.ts";
import { BACKFILL_SETTING, VERSION_SETTING } from "./sync-trigger.ts";

/** How hard the rows are filled. */
export interface BackfillPace {
  /** Rows a second at most. */
  readonly rowsPerSecond?: number;
  /** Share of the time in which work is done, above 0 up to 1. */
  readonly share?: number;
  /** Waits while a replica is behind by more, in milliseconds. */
  readonly maxReplicationLagMs?: number;
}

export interface BackfillProgress {
  readonly version: string;
  /** Table that is being filled, as the new version calls it; undefined when all are done. */
  readonly table: string | undefined;
  readonly rowsDone: number;
  /** An estimate of the server's. */
  readonly rowsTotal: number;
  readonly rowsPerSecond: number;
  /** Undefined before there is a rate. */
  readonly secondsLeft: number | undefined;
}

/**
 * A batch that takes the server longer keeps its rows' writers waiting for too long. The way to the server and back is
 * left out: smaller batches would not shorten it.
 */
const BATCH_MS = 25;
const FIRST_BLOCKS = 16;
const MOST_BLOCKS = 4_096;

/**
 * Fills the rows that were there before a version's triggers, table by table, a range of blocks at a time, each range in
 * a transaction of its own with the place to go on from. Blocks are there for every table, key or not; a row that moves
 * meanwhile was written, and so filled, by its writer, and so was every row of a later transaction than the start's.
 *
 * @throws ConversionFailedError naming table, row and expression
 */
export async function* backfillVersion(
  client: ClientBase,
  schema: string,
  version: LiveVersion,
  options: { pace: BackfillPace; patience: LockPatience; fence: () => Promise<void> },
): AsyncGenerator<BackfillProgress, LiveVersion> {
  const { pace, patience, fence } = options;
  const rowsTotal = await estimateRows(client, schema, version.backfill.relations);
  const begun = performance.now();
  const before = version.backfill.rows;
  let present = version;
  let blocks = FIRST_BLOCKS;
  const report = (): BackfillProgress => {
    const relation = present.backfill.relations[present.backfill.at];
    const rowsDone = present.backfill.rows;
    const rate = (rowsDone - before) / Math.max(0.001, (performance.now() - begun) / 1_000);
    return {
      version: version.version,
      table: present.model.tables.find((table) => table.relation === relation)?.name,
      rowsDone,
      rowsTotal: Math.max(rowsTotal, rowsDone),
      rowsPerSecond: rate,
      secondsLeft: rate > 0 ? Math.max(0, rowsTotal - rowsDone) / rate : undefined,
    };
  };
  yield report();
  while (present.backfill.at < present.backfill.relations.length) {
    const batchBegun = performance.now();
    const { state, rows, updateMs } = await inLockedTransaction(client, "Filling rows", patience, async () => {
      await fence();
      return fillBlocks(client, schema, present, blocks);
    }).catch(async (error: unknown) => {
      throw error instanceof BatchFailure ? await explained(client, schema, present, error) : error;
    });
    present = { ...present, backfill: state };
    const took = performance.now() - batchBegun;
    const change = Math.min(2, Math.max(0.25, BATCH_MS / Math.max(1, updateMs)));
    blocks = Math.max(1, Math.min(MOST_BLOCKS, Math.round(blocks * change)));
    yield report();
    await keepPace(client, pace, { rows, took });
  }
  return present;
}

async function fillBlocks(
  client: ClientBase,
  schema: string,
  version: LiveVersion,
  blocks: number,
): Promise<{ state: BackfillState; rows: number; updateMs: number }> {
  const { backfill } = version;
  const relation = backfill.relations[backfill.at] ?? "";
  const link = version.links.find((one) => one.relation === relation);
  const [target] = link?.up ?? [];
  const { leaf, key } = await readLeaf(client, schema, relation, backfill.leaf);
  let next: BackfillState;
  let rows = 0;
  let updateMs = BATCH_MS;
  if (leaf === undefined || target === undefined) {
    next = { ...backfill, at: backfill.at + 1, leaf: 0, block: 0, file: 0, until: 0 };
  } else {
    // A table that was written anew (VACUUM FULL, CLUSTER) has its rows in other blocks: begin again.
    const begun = backfill.file === leaf.file;
    const from = begun ? backfill.block : 0;
    // The rows that are filled move to the end of the table, which is not to be followed.
    const until = begun ? backfill.until : leaf.blocks;
    const to = Math.min(from + blocks, until);
    const column = quoteIdentifier(target.column);
    if (to > from) {
      const place = `ctid >= '(${from},0)'::tid and ctid < '(${to},0)'::tid`;
      const filled = notWrittenSince(backfill, link?.up ?? []);
      const entered =
        backfill.since === undefined
          ? enterFilling(schema)
          : enterFillingOver(
              schema,
              relation,
              `select count(*) from only ${leaf.name} where ${place}${filled} and not ${isOld(backfill.since)}`,
            );
      const results = await queryAll(client, [
        ...writerSettings(version.version, key),
        entered,
        MILLISECONDS,
        `update only ${leaf.name} set ${column} = ${column} where ${place}${filled}`,
        MILLISECONDS,
      ]).catch((error: unknown) => {
        if (!(error instanceof DatabaseError) || /^(08|40|55P03|57)/.test(error.code ?? "")) throw error;
        throw new BatchFailure({ relation, leaf: leaf.name, key, from, to, error });
      });
      const [before, update, after] = results.slice(-3);
      rows = update?.rowCount ?? 0;
      updateMs = Number(after?.rows[0]?.ms ?? 0) - Number(before?.rows[0]?.ms ?? 0);
    }
    next =
      to >= until
        ? { ...backfill, leaf: backfill.leaf + 1, block: 0, file: 0, until: 0, rows: backfill.rows + rows }
        : { ...backfill, block: to, file: leaf.file, until, rows: backfill.rows + rows };
  }
  if (!(await writeBackfillState(client, schema, version.version, next))) {
    throw new DataVersionNotLiveError(version.version, "it was rolled back while its rows were filled");
  }
  return { state: next, rows, updateMs };
}

const MILLISECONDS = "select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms";

/** A batch that a row stopped; its transaction is taken back before anybody looks why. */
class BatchFailure extends Error {
  readonly batch: { relation: string; leaf: string; key: string; from: number; to: number; error: DatabaseError };
  constructor(batch: BatchFailure["batch"]) {
    super(batch.error.message, { cause: batch.error });
    this.batch = batch;
  }
}

async function explained(
  client: ClientBase,
  schema: string,
  version: LiveVersion,
  { batch: { key, ...batch } }: BatchFailure,
): Promise<Error> {
  await client.query("begin");
  try {
    await queryAll(client, writerSettings(version.version, key));
    return await explainFailure(client, schema, { version, ...batch });
  } finally {
    await client.query("rollback");
  }
}

function isOld(since: string): string {
  return `age(xmin) > age(${quoteLiteral(since)}::xid8::xid)`;
}

/**
 * Rows that were written since the triggers were there have what they shall have, and stay their writers'. A row that was
 * copied, or frozen long ago, may look like one, but then it has no value yet; where the column's default gives it one,
 * all rows are filled.
 */
function notWrittenSince({ since }: BackfillState, up: readonly Conversion[]): string {
  if (since === undefined || up.some(({ onlyOldRows }) => onlyOldRows === true)) return "";
  return ` and (${[isOld(since), ...up.map(({ column }) => `${quoteIdentifier(column)} is null`)].join(" or ")})`;
}

/**
 * What a batch writes and where it ended are in one transaction: it may be lost with the server's memory, which costs
 * doing it again, and need not wait for the disk. What makes the version active waits for all before it.
 */
function writerSettings(version: string, key: string): string[] {
  const settings = { [VERSION_SETTING]: "", [BACKFILL_SETTING]: version, [BACKFILL_KEY_SETTING]: key };
  return [
    "set local synchronous_commit = off",
    ...Object.entries(settings).map(([name, value]) => `set local ${name} = ${quoteLiteral(value)}`),
  ];
}

interface Leaf {
  readonly name: string;
  readonly blocks: number;
  readonly file: number;
}

/** The table itself, or its partitions that hold rows, always in the same order. */
export async function leavesOf(client: ClientBase, schema: string, relation: string): Promise<Leaf[]> {
  const { rows } = await client.query<Leaf>(`${LEAVES} order by c.oid`, [schema, relation]);
  return rows;
}

/** One of them, by its number, and the word that lets in who fills rows. */
async function readLeaf(
  client: ClientBase,
  schema: string,
  relation: string,
  number: number,
): Promise<{ leaf: Leaf | undefined; key: string }> {
  const { rows } = await client.query<Leaf & { condition: string | null }>(
    `select leaf.*, ${BACKFILL_CONDITION} as condition from (${LEAVES} order by c.oid offset $3 limit 1) as leaf`,
    [schema, relation, number],
  );
  const [leaf] = rows;
  return { leaf, key: keyIn(leaf?.condition) };
}

const LEAVES = `select format('%I.%I', n.nspname, c.relname) as name,
    pg_relation_filenode(c.oid)::bigint::float8 as file,
    (pg_relation_size(c.oid) / current_setting('block_size')::int)::float8 as blocks
  from pg_class r join pg_namespace rn on rn.oid = r.relnamespace
    cross join lateral (select relid from pg_partition_tree(r.oid) where isleaf
      union select r.oid where r.relkind = 'r') as t (relid)
    join pg_class c on c.oid = t.relid join pg_namespace n on n.oid = c.relnamespace
  where rn.nspname = $1 and r.relname = $2 and c.relkind = 'r'`;

async function estimateRows(client: ClientBase, schema: string, relations: readonly string[]): Promise<number> {
  let sum = 0;
  for (const relation of relations) {
    for (const { name } of await leavesOf(client, schema, relation)) {
      const { rows } = await client.query<{ rows: number }>(
        `select case when c.reltuples >= 0 and c.relpages > 0
             then c.reltuples / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::int)
             else pg_relation_size(c.oid) / 100 end::float8 as rows
         from pg_class c where c.oid = $1::regclass`,
        [name],
      );
      sum += rows[0]?.rows ?? 0;
    }
  }
  return Math.round(sum);
}

async function keepPace(client: ClientBase, pace: BackfillPace, done: { rows: number; took: number }): Promise<void> {
  const { rowsPerSecond, share, maxReplicationLagMs } = pace;
  const byRows = rowsPerSecond === undefined ? 0 : (done.rows / rowsPerSecond) * 1_000 - done.took;
  const byShare = share === undefined ? 0 : done.took / share - done.took;
  const pause = Math.max(byRows, byShare);
  if (pause > 0) await sleep(pause);
  if (maxReplicationLagMs === undefined) return;
  while ((await replicationLagMs(client)) > maxReplicationLagMs) await sleep(200);
}

/** Of the replica that is behind most; 0 without replicas, or for a role that may not see them. */
async function replicationLagMs(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ lag: number }>(
    "select coalesce(max(extract(epoch from replay_lag)) * 1000, 0)::float8 as lag from pg_stat_replication",
  );
  return rows[0]?.lag ?? 0;
}
