import { expect } from "vitest";
import { fingerprintSchema } from "../../fingerprint/fingerprint-schema.ts";
import { drain, type LiveWorld, release } from "../../live/testing/live-world.ts";
import { viewSchemaName } from "../../live/version-views.ts";
import { type EndedCase, type FailedCase, NEWER, OLDER, type RefusedCase, type Step } from "./operation-case.ts";

/** Goes to the end at which the newer version is the only one. */
export async function tryCompletion(world: LiveWorld, tried: EndedCase): Promise<void> {
  await world.given(tried.given);
  expect(await errorsOf(world, tried)).toEqual([]);
  await start(world, tried);
  await take(world, tried.afterStart);
  await fill(world);
  await take(world, tried.afterBackfill);
  const shown = await rowsShown(world, NEWER);
  await world.live.complete(NEWER);
  if (tried.changesRowsAtTheEnd !== true) expect(await rowsKept(world)).toEqual(shown);
  expect(await world.live.versions()).toEqual([]);
  expect(await world.leftOver()).toEqual([]);
  await take(world, tried.afterComplete);
}

/** Goes back before any row was filled, first with nobody writing, then with what the older version wrote. */
export async function tryRollbackAfterStart(world: LiveWorld, tried: EndedCase): Promise<void> {
  await world.given(tried.given);
  const before = await fingerprintSchema(world.client, world.schema);
  await start(world, tried);
  await world.live.rollback(NEWER);
  if (tried.noWayBack === true) return;
  expect(await fingerprintSchema(world.client, world.schema)).toEqual(before);
  await start(world, tried);
  await take(world, tried.afterStart);
  await rollBack(world, before.structure);
}

/** Goes back when both versions were live, first with nobody writing, then with what both wrote. */
export async function tryRollbackAfterBackfill(world: LiveWorld, tried: EndedCase): Promise<void> {
  await world.given(tried.given);
  const before = await fingerprintSchema(world.client, world.schema);
  if (tried.noWayBack !== true) {
    await start(world, tried);
    await fill(world);
    await world.live.rollback(NEWER);
    expect(await fingerprintSchema(world.client, world.schema)).toEqual(before);
  }
  await start(world, tried);
  await take(world, tried.afterStart);
  await fill(world);
  await take(world, tried.afterBackfill);
  await rollBack(world, tried.noWayBack === true ? undefined : before.structure);
  await take(world, tried.afterRollback);
}

/** Is told by validate and start in the same words, with the file and the operation, and nothing is changed. */
export async function tryRefusal(world: LiveWorld, tried: RefusedCase): Promise<void> {
  await world.given(tried.given);
  const before = await fingerprintSchema(world.client, world.schema);
  const errors = await errorsOf(world, tried);
  const reason = await start(world, tried).then(
    () => "it was started",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  expect(reason).toContain(tried.expectedStartError);
  expect(reason).toMatch(/^001_change\.yaml, operation \d+ \(\w+\)|^2, table "/);
  expect(errors).toEqual([reason]);
  expect(await fingerprintSchema(world.client, world.schema)).toEqual(before);
  expect(await world.leftOver()).toEqual([]);
}

/** Is told while rows are filled, the version stays invisible, and going back gives what was there. */
export async function tryFailure(world: LiveWorld, tried: FailedCase): Promise<void> {
  await world.given(tried.given);
  const before = await fingerprintSchema(world.client, world.schema);
  expect((await errorsOf(world, tried)).length).toBeGreaterThan(0);
  await start(world, tried);
  await expect(drain(world.live.backfill(NEWER))).rejects.toThrow(tried.expectedBackfillError);
  expect(await viewsOf(world, NEWER)).toEqual([]);
  await world.live.rollback(NEWER);
  expect(await fingerprintSchema(world.client, world.schema)).toEqual(before);
  expect(await world.leftOver()).toEqual([]);
}

async function errorsOf(world: LiveWorld, { migrations }: { migrations: readonly object[] }): Promise<string[]> {
  const { findings } = await world.live.validate(OLDER, release(NEWER, [...migrations]));
  return findings.filter(({ severity }) => severity === "error").map(({ message }) => message);
}

async function start(world: LiveWorld, { migrations }: { migrations: readonly object[] }): Promise<void> {
  await world.live.start(OLDER, release(NEWER, [...migrations]));
  expect(await viewsOf(world, NEWER)).toEqual([]);
}

async function fill(world: LiveWorld): Promise<void> {
  await drain(world.live.backfill(NEWER));
}

/** What the older version shows must be what is there afterwards, whoever wrote it. */
async function rollBack(world: LiveWorld, structure: string | undefined): Promise<void> {
  const shown = await rowsShown(world, OLDER);
  await world.live.rollback(NEWER);
  expect(await world.live.versions()).toEqual([]);
  expect(await world.leftOver()).toEqual([]);
  if (structure === undefined) return;
  expect(await rowsKept(world)).toEqual(shown);
  expect((await fingerprintSchema(world.client, world.schema)).structure).toBe(structure);
}

async function take(world: LiveWorld, steps: readonly Step[]): Promise<void> {
  for (const { as, sql, rows, error } of steps) {
    const found = await world.as(as, sql).then(
      (all) => all.map((row) => Object.values(row).map(String).join(" | ")),
      (reason: unknown) => String(reason),
    );
    const step = `${as === null ? "owner" : `version ${as}`}: ${sql}`;
    if (error === undefined) expect({ step, found }).toEqual({ step, found: rows });
    else expect({ step, found }).toEqual({ step, found: expect.stringContaining(error) as string });
  }
}

async function viewsOf(world: LiveWorld, version: string): Promise<string[]> {
  return tablesIn(world, viewSchemaName(world.schema, version), "v");
}

/** Rows of each table as a version shows them, whatever the order of its columns. */
async function rowsShown(world: LiveWorld, version: string): Promise<Record<string, unknown>> {
  return rowsOf(world, version, await viewsOf(world, version));
}

async function rowsKept(world: LiveWorld): Promise<Record<string, unknown>> {
  const tables = await tablesIn(world, world.schema, "r");
  return rowsOf(
    world,
    null,
    tables.filter((name) => !name.startsWith("aibos_")),
  );
}

async function rowsOf(
  world: LiveWorld,
  version: string | null,
  tables: readonly string[],
): Promise<Record<string, unknown>> {
  const shown: Record<string, unknown> = {};
  for (const table of tables) {
    const rows = await world.as(version, `select to_jsonb(t)::text as row from "${table}" t order by 1`);
    shown[table] = rows.map(({ row }) => row);
  }
  return shown;
}

async function tablesIn(world: LiveWorld, schema: string, kind: "r" | "v"): Promise<string[]> {
  const { rows } = await world.client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = $2 order by 1`,
    [schema, kind],
  );
  return rows.map(({ name }) => name);
}
