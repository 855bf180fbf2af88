import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseModuleId, parseTenantId } from "@aibos/domain";
import { takeTurn } from "./take-turn.ts";
import { createTurns } from "./turns.ts";

const PLACE = { tenant: parseTenantId("acme"), module: parseModuleId("books") };

let database: TestDatabase;
let watcher: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  watcher = new pg.Client({ connectionString: database.url });
  await watcher.connect();
});
afterAll(async () => {
  await watcher.end();
  await database.drop();
});

async function connections(): Promise<number> {
  const { rows } = await watcher.query<{ count: number }>(
    "select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name = 'aibos/validate'",
  );
  return rows[0]?.count ?? 0;
}

describe("a turn at a tenant's data", () => {
  it("is waited for by many of one process with a single connection", async () => {
    const process = { url: database.url, turns: createTurns() };
    let inside = 0;
    const seen: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, () =>
        takeTurn(process, PLACE, async () => {
          inside += 1;
          seen.push(inside, await connections());
          inside -= 1;
        }),
      ),
    );
    expect(new Set(seen)).toEqual(new Set([1]));
  });

  it("is given up in words when another process keeps it, and comes when that one is done", async () => {
    const one = { url: database.url, turns: createTurns() };
    const other = { url: database.url, turns: createTurns(), waitMs: 100 };
    const { promise: done, resolve: end } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const first = takeTurn(one, PLACE, async () => {
      begin();
      await done;
    });
    await begun;
    await expect(takeTurn(other, PLACE, async () => "looked")).rejects.toMatchObject({
      code: "AIBOS_VALIDATION_BUSY",
      message: expect.stringContaining('Tenant "acme", module "books"') as string,
    });
    const later = takeTurn({ ...other, waitMs: 60_000 }, PLACE, async () => "looked");
    end();
    await first;
    expect(await later).toBe("looked");
  });

  it("that meets a lock which is not granted says so in words", async () => {
    const process = { url: database.url, turns: createTurns() };
    const refused = takeTurn(process, PLACE, async () => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      try {
        await watcher.query("begin; select pg_advisory_xact_lock(1)");
        await client.query("set lock_timeout = 10; select pg_advisory_lock(1)");
      } finally {
        await watcher.query("rollback");
        await client.end();
      }
    });
    await expect(refused).rejects.toMatchObject({ code: "AIBOS_VALIDATION_BUSY" });
    expect(await takeTurn(process, PLACE, async () => "looked")).toBe("looked");
  });
});
