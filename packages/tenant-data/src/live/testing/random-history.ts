import fc from "fast-check";

// A made-up history of one table, and what each version must show. A cell of the model holds a whole number; a version
// shows it through its own way of writing it down, so that what one version writes tells what every other one reads.

/** How a version writes a cell's number down. */
export interface Shape {
  readonly name: string;
  readonly text: boolean;
  readonly offset: number;
}

/** A column in the model: its name in each version that has it, and how it came to be. */
export interface Cell {
  readonly id: number;
  /** Filled from this other cell plus one when a version that does not know it writes that one. */
  readonly from: number | undefined;
  /** Index of the version whose release brought it. */
  readonly release: number;
}

export interface HistoryVersion {
  readonly table: string;
  readonly shapes: ReadonlyMap<number, Shape>;
}

export interface History {
  readonly cells: readonly Cell[];
  readonly versions: readonly HistoryVersion[];
  /** The operations that lead to each version but the first. */
  readonly releases: readonly (readonly unknown[])[];
}

type Change =
  | { readonly kind: "shape"; readonly pick: number; readonly text: boolean; readonly offset: number }
  | { readonly kind: "rename-column"; readonly pick: number }
  | { readonly kind: "rename-table" }
  | { readonly kind: "add"; readonly pick: number; readonly text: boolean }
  | { readonly kind: "drop"; readonly pick: number }
  | { readonly kind: "index"; readonly pick: number }
  | { readonly kind: "constraint"; readonly pick: number };

const pick = fc.nat(20);
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("shape"),
      pick,
      text: fc.boolean(),
      offset: fc.integer({ min: -9, max: 9 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rename-column"), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rename-table") }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("add"), pick, text: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("drop"), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("index"), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("constraint"), pick }) },
);

/** Three versions to start with, one to three releases of one to four changes. */
export const histories: fc.Arbitrary<History> = fc
  .record({
    columns: fc.integer({ min: 1, max: 3 }),
    releases: fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
  })
  .map(({ columns, releases }) => makeHistory(columns, releases));

export function columnSql({ name, text }: Shape): string {
  return `"${name}" ${text ? "text" : "integer"}`;
}

/** A cell's number as a version writes it. */
export function show(value: number | null, { text, offset }: Shape): number | string | null {
  if (value === null) return null;
  return text ? String(value + offset) : value + offset;
}

function makeHistory(columns: number, releases: readonly (readonly Change[])[]): History {
  const cells: Cell[] = [];
  let table = "t0";
  let shapes = new Map<number, Shape>();
  for (let id = 0; id < columns; id += 1) {
    cells.push({ id, from: undefined, release: 0 });
    shapes.set(id, { name: `c${id}`, text: id % 2 === 1, offset: 0 });
  }
  const versions: HistoryVersion[] = [{ table, shapes: new Map(shapes) }];
  const made: unknown[][] = [];
  let number = 0;
  for (const changes of releases) {
    const operations: unknown[] = [];
    for (const one of changes) {
      number += 1;
      if (one.kind === "rename-table") {
        operations.push({ rename_table: { from: table, to: `t${number}` } });
        table = `t${number}`;
        continue;
      }
      const known = [...shapes];
      const [id, shape] = known[one.pick % known.length] ?? [0, { name: "c0", text: false, offset: 0 }];
      const number_ = (name: string, { text, offset }: Shape): string =>
        `("${name}"${text ? "::integer" : ""} - (${offset}))`;
      const written = (value: string, { text, offset }: Shape): string =>
        text ? `(${value} + (${offset}))::text` : `${value} + (${offset})`;
      switch (one.kind) {
        case "shape": {
          const next = { name: shape.name, text: one.text, offset: one.offset };
          operations.push({
            alter_column: {
              table,
              column: shape.name,
              type: one.text ? "text" : "integer",
              up: written(number_(shape.name, shape), next),
              down: written(number_(shape.name, next), shape),
            },
          });
          shapes.set(id, next);
          break;
        }
        case "rename-column":
          operations.push({ rename_column: { table, from: shape.name, to: `r${number}` } });
          shapes.set(id, { ...shape, name: `r${number}` });
          break;
        case "add": {
          const added = { name: `a${number}`, text: one.text, offset: number };
          operations.push({
            add_column: {
              table,
              column: { name: added.name, type: one.text ? "text" : "integer", nullable: true },
              up: written(`(${number_(shape.name, shape)} + 1)`, added),
            },
          });
          cells.push({ id: cells.length, from: id, release: versions.length });
          shapes.set(cells.length - 1, added);
          break;
        }
        case "drop":
          // Another column, so that the version keeps one.
          if (known.length < 2) break;
          operations.push({ drop_column: { table, column: shape.name } });
          shapes = new Map(known.filter(([other]) => other !== id));
          break;
        case "index":
          operations.push({ create_index: { table, name: `i${number}`, columns: [shape.name] } });
          break;
        case "constraint":
          operations.push({
            create_constraint: {
              table,
              name: `k${number}`,
              type: "check",
              columns: [shape.name],
              check: `length("${shape.name}"::text) < 30`,
              up: { [shape.name]: `"${shape.name}"` },
              down: { [shape.name]: `"${shape.name}"` },
            },
          });
      }
    }
    versions.push({ table, shapes: new Map(shapes) });
    made.push(operations);
  }
  return { cells, versions, releases: made };
}
