import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { createLiveWorld, drain, type LiveWorld, release } from "./testing/live-world.ts";
import { columnSql, histories, type History, show } from "./testing/random-history.ts";

/** What must be in the table: numbers by cell, for each row. */
type Rows = Map<number, Map<number, number | null>>;

interface Write {
  readonly kind: "insert" | "update" | "delete";
  readonly version: number;
  readonly row: number;
  readonly value: number;
  readonly column: number;
}
const writes = fc.array(
  fc.record({
    kind: fc.constantFrom(
      "insert" as const,
      "insert" as const,
      "update" as const,
      "update" as const,
      "delete" as const,
    ),
    version: fc.nat(10),
    row: fc.nat(12),
    value: fc.integer({ min: -999, max: 999 }),
    column: fc.nat(10),
  }),
  { minLength: 3, maxLength: 12 },
);

/** Writes through one of the versions, and to the model. */
async function write(
  world: LiveWorld,
  history: History,
  rows: Rows,
  live: readonly number[],
  one: Write,
): Promise<void> {
  const at = live[one.version % live.length] ?? 0;
  const version = history.versions[at];
  if (version === undefined) return;
  const shapes = [...version.shapes];
  const as = (sql: string, values: unknown[]): Promise<unknown> => world.as(String(at), sql, values);
  const present = rows.get(one.row);
  if (one.kind === "delete") {
    await as(`delete from ${version.table} where id = $1`, [one.row]);
    rows.delete(one.row);
  } else if (one.kind === "insert" && present === undefined) {
    const names = shapes.map(([, { name }]) => `"${name}"`).join(", ");
    const values = shapes.map(([id, shape]) => show(one.value + id, shape));
    await as(
      `insert into ${version.table} (id, ${names}) values ($1, ${values.map((_, index) => `$${index + 2}`).join(", ")})`,
      [one.row, ...values],
    );
    const row = new Map<number, number | null>(shapes.map(([id]) => [id, one.value + id]));
    rows.set(one.row, row);
    fillOthers(history, row, at, undefined);
  } else if (one.kind === "update" && present !== undefined) {
    const [id, shape] = shapes[one.column % shapes.length] ?? [];
    if (id === undefined || shape === undefined) return;
    await as(`update ${version.table} set "${shape.name}" = $2 where id = $1`, [one.row, show(one.value, shape)]);
    if (present.get(id) === one.value) return;
    present.set(id, one.value);
    fillOthers(history, present, at, id);
  }
}

/** What the versions after the writer's fill from what changed; all of it where the row is new. */
function fillOthers(history: History, row: Map<number, number | null>, at: number, changed: number | undefined): void {
  if (changed === undefined) {
    const known = history.versions[at]?.shapes;
    for (const { id } of history.cells) if (known?.has(id) !== true) row.set(id, null);
  }
  const moved = new Set(changed === undefined ? [] : [changed]);
  for (let version = at + 1; version < history.versions.length; version += 1) {
    fillVersion(history, row, version, changed === undefined ? undefined : moved);
  }
}

/** Cells that a version brings are filled from others, in the order of its operations; some are gone again by its end. */
function fillVersion(history: History, row: Map<number, number | null>, version: number, moved?: Set<number>): void {
  for (const { id, from, release: born } of history.cells) {
    if (from === undefined || born !== version) continue;
    if (moved !== undefined && !moved.has(from)) continue;
    const source = row.get(from) ?? null;
    const value = source === null ? null : source + 1;
    if (row.get(id) !== value) moved?.add(id);
    row.set(id, value);
  }
}

async function expectViews(world: LiveWorld, history: History, rows: Rows, live: readonly number[]): Promise<void> {
  for (const at of live) {
    const version = history.versions[at];
    if (version === undefined) continue;
    const found = await world.as(live.length === 1 ? null : String(at), `select * from ${version.table} order by id`);
    const expected = [...rows]
      .toSorted(([a], [b]) => a - b)
      .map(([id, row]) => ({
        id,
        ...Object.fromEntries(
          [...version.shapes].map(([cell, shape]) => [shape.name, show(row.get(cell) ?? null, shape)]),
        ),
      }));
    expect(found, `version ${at}`).toEqual(expected);
  }
}

test("every live version shows what was written through the others, whatever the history", async () => {
  await fc.assert(
    fc.asyncProperty(histories, writes, writes, async (history, early, late) => {
      await using world = await createLiveWorld();
      const [first] = history.versions;
      const columns = [...(first?.shapes.values() ?? [])].map(columnSql).join(", ");
      await world.given(`create table t0 (id integer primary key, ${columns})`);
      const rows: Rows = new Map();
      const structures: string[] = [];
      for (const one of early)
        await write(world, { ...history, versions: history.versions.slice(0, 1) }, rows, [0], one);
      for (const [index, operations] of history.releases.entries()) {
        const older = history.versions.slice(0, index + 1).map((_, at) => at);
        structures.push((await fingerprintSchema(world.client, world.schema)).structure);
        await world.live.start(String(index), release(String(index + 1), [...operations]));
        const [during] = late;
        // Through an older version, while the new one is on its way.
        if (during !== undefined) {
          await write(world, { ...history, versions: history.versions.slice(0, index + 1) }, rows, older, during);
        }
        await drain(world.live.backfill(String(index + 1)));
        for (const row of rows.values()) fillVersion(history, row, index + 1);
        await expectViews(world, history, rows, [...older, index + 1]);
      }
      const newest = history.versions.length - 1;
      const all = history.versions.map((_, at) => at);
      for (const one of late) {
        await write(world, history, rows, all, one);
        await expectViews(world, history, rows, all);
      }
      await world.live.rollback(String(newest));
      expect((await fingerprintSchema(world.client, world.schema)).structure).toBe(structures.at(-1));
      await expectViews(world, history, rows, all.slice(0, -1));
      await world.bring(String(newest - 1), release(String(newest), [...(history.releases.at(-1) ?? [])]));
      for (const row of rows.values()) fillVersion(history, row, newest);
      await expectViews(world, history, rows, all);
      await world.live.complete(String(newest));
      await expectViews(world, history, rows, [newest]);
    }),
    { numRuns: Number(process.env["AIBOS_RANDOM_HISTORIES"] ?? 12) },
  );
}, 300_000);
