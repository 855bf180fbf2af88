import { sql } from "kysely";
import type { ControlDatabase } from "../../db/control-database.ts";
import { EXECUTOR_SILENCE_SECONDS } from "./executor-silence.ts";

/** A control-plane process. It works on migrations and runs deployments until it stops or is declared dead. */
export interface Executor {
  readonly id: string;
  readonly host: string;
  /** Its data folder, which only one living process can have locked. */
  readonly home: string;
  readonly pid: number;
}

/** Sessions of a process carry this name, so that they can be ended when it is declared dead. */
export function sessionName(executorId: string): string {
  return `aibos/${executorId}`;
}

export interface ExecutorStore {
  /** Enters a process. Whoever had the same home before is dead: its lock was free. */
  register(executor: Executor): Promise<void>;
  /** False when the process was declared dead and must not go on. */
  heartbeat(id: string): Promise<boolean>;
  /** Declares silent processes dead and ends what is left of their sessions. */
  buryTheSilent(): Promise<void>;
  /** The process ends in order. */
  leave(id: string): Promise<void>;
  /** Ended processes that may have left work behind. */
  ended(): Promise<string[]>;
}

export function createExecutorStore({ db }: ControlDatabase): ExecutorStore {
  async function endSessions(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
          and (application_name = ${sessionName(id)} or application_name like ${`dbos\\_transact\\_${id}\\_%`})
      `.execute(db);
    }
  }

  return {
    async register({ id, host, home, pid }) {
      const before = await db
        .updateTable("control_plane_processes")
        .set({ state: "dead" })
        .where("host", "=", host)
        .where("home", "=", home)
        .where("state", "=", "live")
        .returning("id")
        .execute();
      await endSessions(before.map((row) => row.id));
      await db.insertInto("control_plane_processes").values({ id, host, home, pid }).execute();
    },
    async heartbeat(id) {
      const seen = await db
        .updateTable("control_plane_processes")
        .set({ seen_at: sql<Date>`clock_timestamp()` })
        .where("id", "=", id)
        .where("state", "=", "live")
        .executeTakeFirst();
      return seen.numUpdatedRows === 1n;
    },
    async buryTheSilent() {
      const silent = await db
        .updateTable("control_plane_processes")
        .set({ state: "dead" })
        .where("state", "=", "live")
        .where("seen_at", "<", sql<Date>`clock_timestamp() - make_interval(secs => ${EXECUTOR_SILENCE_SECONDS})`)
        .returning("id")
        .execute();
      await endSessions(silent.map((row) => row.id));
    },
    async leave(id) {
      await db.updateTable("control_plane_processes").set({ state: "stopped" }).where("id", "=", id).execute();
    },
    async ended() {
      const rows = await db
        .selectFrom("control_plane_processes")
        .select("id")
        .where("state", "<>", "live")
        .where("seen_at", ">", sql<Date>`clock_timestamp() - interval '30 days'`)
        .execute();
      return rows.map((row) => row.id);
    },
  };
}
