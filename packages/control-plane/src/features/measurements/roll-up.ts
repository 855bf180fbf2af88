import { sql } from "kysely";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { MeasurementPartitions } from "./partitions.ts";
import { SPAN_MS } from "./spans.ts";
import { SUMMED_COLUMNS, summedRows } from "./summed-rows.ts";

/** A minute or hour is summed up so long after its end: batches are on their way for a while. */
const GRACE_MS = 20_000;
/** So many minutes or hours of a module are summed up in one transaction. */
const MOST_AT_ONCE = 30;

interface Mark {
  readonly at: Date;
  readonly module: string;
}

/**
 * Sums up what is due: minutes from windows of 10 seconds, and hours from minutes. A row is always made from all that
 * there is of its time, in one transaction with the removal of its mark, so that it may be done any number of times, by
 * any number of processes, and be killed anywhere. Resolves to how many minutes and hours were made.
 */
export async function rollUp(options: {
  database: ControlDatabase;
  partitions: MeasurementPartitions;
  now: () => number;
}): Promise<number> {
  let made = 0;
  for (const span of ["1m", "1h"] as const) {
    for (let count = MOST_AT_ONCE; count === MOST_AT_ONCE; made += count) count = await rollUpSome(span, options);
  }
  return made;
}

async function rollUpSome(
  span: "1m" | "1h",
  { database, partitions, now }: Parameters<typeof rollUp>[0],
): Promise<number> {
  const due = new Date(now() - SPAN_MS[span] - GRACE_MS);
  // An hour is made of its minutes: not before they are all there.
  const isComplete =
    span === "1m"
      ? sql`true`
      : sql`not exists (select from measurement_rollups m
          where m.span = '1m' and m.module = r.module and m.at >= r.at and m.at < r.at + interval '1 hour')`;
  const { rows: first } = await sql<Mark>`
    select at, module from measurement_rollups r where span = ${span} and at <= ${due} and ${isComplete} limit 1
  `.execute(database.db);
  if (first.length === 0) return 0;

  const length = sql.raw(span === "1m" ? "interval '1 minute'" : "interval '1 hour'");
  const finer = sql.table(span === "1m" ? "measurements_10s" : "measurements_1m");
  const table = sql.table(`measurements_${span}`);
  return database.transaction(async ({ db }) => {
    const { rows: marks } = await sql<Mark>`
      select at, module from measurement_rollups r where span = ${span} and at <= ${due} and ${isComplete}
      order by at limit ${MOST_AT_ONCE} for update skip locked
    `.execute(db);
    if (marks.length === 0) return 0;
    await partitions.ensure(
      span,
      marks.map(({ at }) => at.getTime()),
    );
    const claimed = sql`unnest(
      ${marks.map(({ at }) => at.toISOString())}::timestamptz[], ${marks.map(({ module }) => module)}::text[]
    ) as c (at, module)`;
    // Said beside the join, so that only the partitions of this time are looked at.
    const [from, to] = [marks[0]?.at, marks.at(-1)?.at];
    await sql`
      delete from ${table} t using ${claimed}
      where t.at = c.at and t.module = c.module and t.at >= ${from} and t.at <= ${to}
    `.execute(db);
    const rows = sql`
      select f.* from ${claimed} join ${finer} f on f.module = c.module and f.at >= c.at and f.at < c.at + ${length}
      where f.at >= ${from} and f.at < ${to}::timestamptz + ${length}`;
    await sql`
      insert into ${table} (at, ${SUMMED_COLUMNS})
      ${summedRows(rows, sql`date_bin(${length}, r.at, timestamptz 'epoch')`)}
    `.execute(db);
    await sql`
      delete from measurement_rollups r using ${claimed} where r.span = ${span} and r.at = c.at and r.module = c.module
    `.execute(db);
    return marks.length;
  });
}
