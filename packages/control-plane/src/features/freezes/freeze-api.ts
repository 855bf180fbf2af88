import { randomBytes } from "node:crypto";
import { FreezeNotFoundError, type RouteHandlers } from "@aibos/contract";
import { sql } from "kysely";
import { readMoment } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { readCursor } from "../../db/cursor.ts";
import { requireTenant } from "../instances/tenant-module-read-model.ts";
import { describeFreeze, listFreezes } from "./freeze-read-model.ts";

/** Declaring times in which nothing may change. */
export function createFreezeApi(options: {
  database: ControlDatabase;
  now: () => number;
}): Pick<RouteHandlers, "addFreeze" | "listFreezes" | "removeFreeze"> {
  const { database, now } = options;
  const { db } = database;
  return {
    async addFreeze({ body: { tenant, module, from, to, timeZone, reason } }) {
      if (tenant !== undefined) await requireTenant(db, tenant);
      const row = await db
        .insertInto("freezes")
        .values({
          id: `frz_${randomBytes(6).toString("hex")}`,
          tenant: tenant ?? null,
          module: module ?? null,
          // The shape has made sure that both are times.
          starts_at: new Date(readMoment(from, timeZone) ?? Number.NaN),
          ends_at: new Date(readMoment(to, timeZone) ?? Number.NaN),
          time_zone: timeZone,
          reason,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return describeFreeze(row, now());
    },

    listFreezes: ({ query: { tenant, module, all, cursor, limit } }) =>
      listFreezes(db, { tenant, module, all: all === "true" }, { after: readCursor(cursor), limit, now: now() }),

    async removeFreeze({ params: { freezeId } }) {
      const row = await db
        .updateTable("freezes")
        .set({ removed_at: sql<Date>`coalesce(removed_at, clock_timestamp())` })
        .where("id", "=", freezeId)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw new FreezeNotFoundError(freezeId);
      return describeFreeze(row, now());
    },
  };
}
