import type { TableWrites } from "@aibos/contract";
import {
  addRowChange,
  addWrites,
  continueBaseline,
  countWritesSince,
  moveBaseline,
  readUserTables,
  type RowChange,
  takeWriteBaseline,
  withoutFilled,
  type WriteBaseline,
} from "@aibos/tenant-data";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { DataPlace } from "./rollback-points.ts";

/** A moment since which a tenant's writes are counted: a rollback point's, or a backup's. */
interface Moment {
  readonly of: "rollback_points" | "backups";
  readonly id: string;
  readonly write_baseline: WriteBaseline;
  readonly carried_writes: TableWrites[];
  /** A schema with the rows of then; a backup has none. */
  readonly copy?: string;
}

/** Counts the writes that going back to a rollback point would lose. */
export async function countLostWrites(tx: ControlTransaction, pointId: string, schema: string): Promise<TableWrites[]> {
  const { schema_name: copy, ...point } = await tx.db
    .selectFrom("rollback_points")
    .select(["id", "write_baseline", "carried_writes", "schema_name"])
    .where("id", "=", pointId)
    .executeTakeFirstOrThrow();
  return countSince(tx, { of: "rollback_points", ...point, copy }, schema);
}

/** The same for a backup, whose rows are not at hand: updates and inserts can be told apart less well. */
export async function countWritesSinceBackup(
  tx: ControlTransaction,
  backupId: string,
  schema: string,
): Promise<TableWrites[]> {
  const backup = await tx.db
    .selectFrom("backups")
    .select(["id", "write_baseline", "carried_writes"])
    .where("id", "=", backupId)
    .executeTakeFirstOrThrow();
  return countSince(tx, { of: "backups", ...backup }, schema);
}

/** Before an operation rewrites data: what users wrote so far is added to each moment's count. */
export async function carryWrites(tx: ControlTransaction, place: DataPlace): Promise<void> {
  const moments = await momentsOf(tx, place);
  if (moments.length === 0) return;
  const baseline = await takeWriteBaseline(tx.client, place.schema);
  for (const moment of moments) {
    const carried = await countSince(tx, moment, place.schema);
    await setMoment(tx, moment, {
      write_baseline: continueBaseline(moment.write_baseline, baseline),
      carried_writes: carried,
    });
  }
}

/** What the engine itself does to rows, before the transaction that does it commits: nobody writes those. */
export async function noteRowChange(tx: ControlTransaction, place: DataPlace, change: RowChange): Promise<void> {
  await changeBaselines(tx, place, (earlier) => addRowChange(earlier, change));
}

/**
 * After a point's copy took the place of the data: its tables are the ones that other moments know by others' identity.
 *
 * @returns the new by the old oid
 */
export async function followRestored(
  tx: ControlTransaction,
  place: DataPlace,
  pointId: string,
): Promise<ReadonlyMap<number, number>> {
  const { write_baseline: restored } = await tx.db
    .selectFrom("rollback_points")
    .select("write_baseline")
    .where("id", "=", pointId)
    .executeTakeFirstOrThrow();
  const present = new Map((await readUserTables(tx.client, place.schema)).map((table) => [table.relation, table.oid]));
  const moved = new Map(
    Object.values(restored.tables ?? {}).flatMap(({ oid, relation }) => {
      const now = relation === null ? undefined : present.get(relation);
      return now === undefined ? [] : [[oid, now] as const];
    }),
  );
  await changeBaselines(tx, place, (earlier) => moveBaseline(earlier, moved));
  return moved;
}

/** After rows were filled for a version, while users went on writing: nobody wrote those. */
export async function discountFilled(tx: ControlTransaction, place: DataPlace): Promise<void> {
  for (const moment of await momentsOf(tx, place)) {
    const { baseline, filledOver } = await withoutFilled(tx.client, place.schema, moment.write_baseline);
    if (baseline === moment.write_baseline) continue;
    const carried = addWrites(moment.carried_writes, filledOver);
    await setMoment(tx, moment, { write_baseline: baseline, carried_writes: carried });
  }
}

/** After an operation rewrote data, before users write again: counting goes on from here. */
export async function rebaseWrites(tx: ControlTransaction, place: DataPlace): Promise<void> {
  const moments = await momentsOf(tx, place);
  if (moments.length === 0) return;
  const baseline = await takeWriteBaseline(tx.client, place.schema);
  await changeBaselines(tx, place, (earlier) => continueBaseline(earlier, baseline));
}

async function changeBaselines(
  tx: ControlTransaction,
  place: DataPlace,
  change: (earlier: WriteBaseline) => WriteBaseline,
): Promise<void> {
  for (const moment of await momentsOf(tx, place)) {
    const { write_baseline: earlier, carried_writes } = moment;
    await setMoment(tx, moment, { write_baseline: change(earlier), carried_writes });
  }
}

async function countSince(
  { client }: ControlTransaction,
  { write_baseline: baseline, carried_writes: carried, copy }: Moment,
  schema: string,
): Promise<TableWrites[]> {
  return addWrites(
    carried,
    await countWritesSince(client, { schema, baseline, ...(copy === undefined ? {} : { copy }) }),
  );
}

/** Those that can be gone back to, newest first. */
async function momentsOf({ db }: ControlTransaction, { tenant, module }: DataPlace): Promise<Moment[]> {
  const points = await db
    .selectFrom("rollback_points")
    .select(["id", "write_baseline", "carried_writes", "schema_name"])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("state", "=", "available")
    .orderBy("created_at", "desc")
    .execute();
  const backups = await db
    .selectFrom("backups")
    .select(["id", "write_baseline", "carried_writes"])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("state", "=", "available")
    .orderBy("created_at", "desc")
    .execute();
  return [
    ...points.map(({ schema_name: copy, ...point }) => ({ of: "rollback_points" as const, ...point, copy })),
    ...backups.map((backup) => ({ of: "backups" as const, ...backup })),
  ];
}

async function setMoment(
  { db }: ControlTransaction,
  { of, id }: Moment,
  counted: Pick<Moment, "write_baseline" | "carried_writes">,
): Promise<void> {
  const set = {
    write_baseline: JSON.stringify(counted.write_baseline),
    carried_writes: JSON.stringify(counted.carried_writes),
  };
  if (of === "backups") await db.updateTable("backups").set(set).where("id", "=", id).execute();
  else await db.updateTable("rollback_points").set(set).where("id", "=", id).execute();
}
