import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLiveWorld } from "./testing/live-world.ts";
import { followHistory } from "./testing/random-history.ts";

// "npm run test:histories" goes through 200 histories. AIBOS_RANDOM_HISTORIES says how many, AIBOS_RANDOM_HISTORY from which
// seed on; a history is the same whenever it is gone through.
const count = Number(process.env["AIBOS_RANDOM_HISTORIES"] ?? 6);
const first = Number(process.env["AIBOS_RANDOM_HISTORY"] ?? 1);
const seeds = Array.from({ length: count }, (_, index) => first + index);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`alter database ${database.name} set timezone = 'UTC'`);
  await client.end();
});
afterAll(() => database.drop());

describe("every live version shows what was written through the others, and going back gives what was there", () => {
  test.each(seeds)(
    "in history %i",
    async (seed) => {
      await using world = await openLiveWorld(database, `t__acme__h${seed}`);
      expect(await followHistory(world, seed, 25)).toBe(25);
    },
    120_000,
  );
});
