import type { ClientBase } from "pg";
import type { ReleaseFinding } from "./release-validation.ts";

interface Holder {
  readonly table: string;
  readonly pid: number | null;
  readonly seconds: number | null;
  readonly state: string | null;
  readonly prepared: string | null;
}

/**
 * Transactions that have kept tables for long which a release must lock for a moment: they are likely to keep them when it starts. Who they are is known as far as the role may.
 */
export async function tablesInUse(
  client: ClientBase,
  schema: string,
  relations: readonly string[],
  longSeconds: number,
): Promise<ReleaseFinding[]> {
  const { rows } = await client.query<Holder>(
    `select distinct on (c.relname, l.virtualtransaction) c.relname as table, l.pid, a.state,
       extract(epoch from clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8 as seconds, p.gid as prepared
     from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
       left join pg_stat_activity a on a.pid = l.pid
       left join pg_prepared_xacts p on l.pid is null and '-1/' || p.transaction::text = l.virtualtransaction
     where l.locktype = 'relation' and l.granted and l.database = (select oid from pg_database where datname = current_database())
       and n.nspname = $1 and c.relname = any ($2) and l.pid is distinct from pg_backend_pid()
     order by c.relname, l.virtualtransaction`,
    [schema, relations],
  );
  return rows.flatMap(({ table, pid, seconds, state, prepared }): ReleaseFinding[] => {
    if (pid !== null && (seconds ?? 0) < longSeconds) return [];
    const who =
      pid === null
        ? `A prepared transaction${prepared === null ? "" : ` (${prepared})`}`
        : `A transaction (process ${pid}, ${state ?? "state unknown"})`;
    return [
      {
        code: "table-in-use",
        severity: "warning",
        message:
          `${who} keeps table "${table}"${seconds === null ? "" : ` since ${Math.round(seconds)} s`}. The release waits for it, ` +
          "and gives up in the end: end it before.",
        table,
      },
    ];
  });
}

/** Triggers of the module's own that fire for every row which is filled. */
export async function firingTriggers(
  client: ClientBase,
  schema: string,
  relations: readonly string[],
): Promise<ReleaseFinding[]> {
  const { rows } = await client.query<{ table: string; trigger: string }>(
    `select c.relname as table, g.tgname as trigger from pg_trigger g join pg_class c on c.oid = g.tgrelid
       join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = any ($2) and not g.tgisinternal and g.tgenabled <> 'D'
       -- for each row, after, on update
       and g.tgtype & 1 = 1 and g.tgtype & 66 = 0 and g.tgtype & 16 = 16 order by 1, 2`,
    [schema, relations],
  );
  return rows.map(({ table, trigger }): ReleaseFinding => ({
    code: "trigger-fires",
    severity: "warning",
    message:
      `Trigger "${trigger}" of table "${table}" fires for every row that is filled. Have it return at once while ` +
      "current_setting('aibos.backfill', true) is not empty, unless it is meant to.",
    table,
  }));
}
