import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { type Example, EXAMPLES } from "./testing/live-examples.ts";
import { createLiveWorld, type LiveWorld, release, type Row } from "./testing/live-world.ts";

let world: LiveWorld;
beforeEach(async () => {
  world = await createLiveWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

function releaseOf(example: Example, index: number): ReturnType<typeof release> {
  return release(String(index + 2), [...(example.releases[index] ?? [])]);
}

async function bringAll(example: Example): Promise<string> {
  for (const index of example.releases.keys()) await world.bring(String(index + 1), releaseOf(example, index));
  return String(example.releases.length + 1);
}

async function writeAll(example: Example): Promise<void> {
  for (const [version, sql] of example.writes ?? []) await world.as(version, sql);
}

async function readAll(example: Example, oldest: number): Promise<Record<string, Row[]>> {
  const found: Record<string, Row[]> = {};
  for (const [version, sql] of Object.entries(example.read ?? {})) {
    if (Number(version) >= oldest) found[version] = await world.as(version, sql);
  }
  return found;
}

const entries = Object.entries(EXAMPLES);

describe.each(entries.filter(([, { live }]) => live !== undefined))("%s", (_, example) => {
  it("is undone exactly, and each version reads what the others wrote", async () => {
    await world.given(example.given);
    const before = await fingerprintSchema(world.client, world.schema);
    await bringAll(example);
    await world.live.rollback("2");
    expect(await fingerprintSchema(world.client, world.schema)).toEqual(before);
    await bringAll(example);
    await writeAll(example);
    expect(await readAll(example, 0)).toEqual(example.live);
  });
});

describe.each(entries.filter(([, { afterComplete }]) => afterComplete !== undefined))("%s", (_, example) => {
  it("becomes the newest version's own when the others go one by one", async () => {
    await world.given(example.given);
    const newest = Number(await bringAll(example));
    await writeAll(example);
    for (let version = 2; version < newest; version += 1) {
      await world.live.complete(String(version));
      const expected = Object.entries(example.live ?? {}).filter(([reader]) => Number(reader) >= version);
      expect(await readAll(example, version), `after ${version}`).toEqual(Object.fromEntries(expected));
    }
    await world.live.complete(String(newest));
    const [sql = "", rows] = example.afterComplete ?? [];
    for (const statement of sql.split("; ")) expect(await world.as(null, statement)).toEqual(rows);
    expect(await world.live.versions()).toEqual([]);
    expect(
      await world.as(
        null,
        `select relname from pg_class where relname like 'aibos%' and relname not like 'aibos\\_migrations%'
         union all select conname from pg_constraint where conname like '%aibos%' and conname not like 'aibos\\_migrations%'`,
      ),
    ).toEqual([]);
  });

  it("is the same when they all go at once", async () => {
    await world.given(example.given);
    const newest = await bringAll(example);
    await writeAll(example);
    await world.live.complete(newest);
    const [sql = "", rows] = example.afterComplete ?? [];
    for (const statement of sql.split("; ")) expect(await world.as(null, statement)).toEqual(rows);
  });
});
