import { type Domain, type Shape, show } from "./shape.ts";

// What several live versions of one schema's data must show, kept beside the real one. Cells are values of a row that
// versions share, however each calls and writes them; where two versions can't hold the same values, each has a cell of
// its own, and links between them say how one comes from the other.

/** A column of the table itself, which versions that write it in the same way share. */
export interface Store {
  /** Of rows that nobody gives a value; null for none. */
  default: number | null;
}

export interface Column {
  readonly name: string;
  readonly cell: number;
  readonly domain: Domain;
  readonly shape: Shape;
  readonly notNull: boolean;
  readonly store: Store;
  /** The version's own default, where it differs from the store's. */
  readonly default?: number | null;
  /** A tenant's own. */
  readonly custom?: true;
}

/** A rule that a version has; while it is live, everybody's writes must keep it. */
export type Rule =
  | { readonly kind: "unique"; readonly name: string; readonly cell: number; readonly constraint: boolean }
  | { readonly kind: "check"; readonly name: string; readonly cell: number; readonly least: number }
  | {
      readonly kind: "reference";
      readonly name: string;
      readonly cell: number;
      readonly target: number;
      readonly onDelete: "no action" | "cascade" | "set null";
    }
  | { readonly kind: "index"; readonly name: string; readonly cell: number };

export interface Table {
  readonly id: number;
  readonly name: string;
  readonly key: string;
  readonly keyType: "integer" | "bigint";
  /** Keys are drawn for rows that give none. */
  readonly identity: boolean;
  readonly columns: readonly Column[];
  readonly rules: readonly Rule[];
}

/** A cell that comes from another one of its row. */
export interface Link {
  readonly table: number;
  readonly to: number;
  readonly from: number;
  readonly convert: (value: number | null) => number | null;
}

export interface Version {
  readonly name: string;
  readonly tables: readonly Table[];
  /** From the version before it, in the order of its operations. */
  readonly up: readonly Link[];
  /** Back to it, last operation first. */
  readonly down: readonly Link[];
}

export type Row = Map<number, number | null>;
/** Rows by table and key. */
export type Rows = Map<number, Map<number, Row>>;

export interface DataModel {
  /** Oldest first. */
  versions: Version[];
  rows: Rows;
}

export type Write =
  | { readonly kind: "insert"; readonly key: number; readonly values: ReadonlyMap<number, number | null> }
  | { readonly kind: "update"; readonly key: number; readonly values: ReadonlyMap<number, number | null> }
  | { readonly kind: "delete"; readonly key: number };

/** The rows after a write through a version; undefined when a rule of any live version refuses it. */
export function rowsAfter(model: DataModel, writer: number, table: number, write: Write): Rows | undefined {
  const rows: Rows = new Map([...model.rows].map(([id, of]) => [id, new Map(of)]));
  const of = rows.get(table) ?? new Map<number, Row>();
  rows.set(table, of);
  if (write.kind === "delete") {
    if (of.has(write.key) && !remove(model, rows, writer, table, write.key)) return undefined;
  } else if (write.kind === "insert") {
    if (of.has(write.key)) return undefined;
    of.set(write.key, inserted(model, writer, table, write.values));
  } else {
    const row = of.get(write.key);
    if (row !== undefined) of.set(write.key, updated(model, row, writer, table, write.values));
  }
  return model.versions.every((version) => keepsRules(version, rows)) ? rows : undefined;
}

/**
 * Whether a row that an insert proposes is refused before it is known whether its key is there: then, too, it must hold no
 * nulls where it must not, and pass checks.
 */
export function refusesProposed(
  model: DataModel,
  writer: number,
  table: number,
  values: ReadonlyMap<number, number | null>,
): boolean {
  const row = inserted(model, writer, table, values);
  return model.versions.some(({ tables }) =>
    tables.some(
      ({ id, columns, rules }) =>
        id === table &&
        (columns.some(({ cell, notNull }) => notNull && (row.get(cell) ?? null) === null) ||
          rules.some((rule) => rule.kind === "check" && !keeps(rule, [row], new Map()))),
    ),
  );
}

/** The rows when the newest version's rows are filled; undefined when a rule of its refuses them. */
export function rowsFilled(model: DataModel): Rows | undefined {
  const newest = model.versions.at(-1);
  const rows: Rows = new Map();
  for (const [id, of] of model.rows) rows.set(id, new Map([...of].map(([key, row]) => [key, new Map(row)])));
  for (const table of newest?.tables ?? []) {
    const of = rows.get(table.id) ?? new Map<number, Row>();
    rows.set(table.id, of);
    for (const row of of.values()) {
      for (const { cell, store } of table.columns) if (!row.has(cell)) row.set(cell, store.default);
      for (const link of newest?.up ?? []) {
        if (link.table === table.id) row.set(link.to, link.convert(row.get(link.from) ?? null));
      }
    }
  }
  return newest === undefined || keepsRules(newest, rows) ? rows : undefined;
}

/** What a version must show of a table, by key. */
export function shown(table: Table, rows: Rows): unknown[] {
  return [...(rows.get(table.id) ?? [])]
    .toSorted(([a], [b]) => a - b)
    .map(([key, row]) => ({
      [table.key]: key,
      ...Object.fromEntries(table.columns.map(({ name, cell, shape }) => [name, show(row.get(cell) ?? null, shape)])),
    }));
}

/** When the versions before one go, its defaults become the table's. */
export function completeModel(model: DataModel, at: number): void {
  const oldest = model.versions[at];
  if (oldest === undefined) return;
  for (const { columns } of oldest.tables) {
    for (const column of columns) if (column.default !== undefined) column.store.default = column.default;
  }
  model.versions = model.versions
    .slice(at)
    .map((version, index) => (index === 0 ? { ...version, up: [], down: [] } : version));
}

function inserted(
  { versions }: DataModel,
  writer: number,
  table: number,
  values: ReadonlyMap<number, number | null>,
): Row {
  const row: Row = new Map();
  // A version that has the column still, nearest to the writer, or that has it first.
  const near = [...versions.keys()].toSorted((a, b) => distance(a, writer) - distance(b, writer));
  for (const at of near) {
    for (const column of columnsOf(versions[at], table)) {
      const { cell, store } = column;
      if (row.has(cell)) continue;
      const own = at === writer && column.default !== undefined ? column.default : store.default;
      row.set(cell, values.has(cell) ? (values.get(cell) ?? null) : own);
    }
  }
  spread(versions, row, writer, table);
  return row;
}

/** Older ones first, from the writer down. */
function distance(at: number, writer: number): number {
  return at <= writer ? writer - at : 1_000 + at;
}

function updated(
  { versions }: DataModel,
  before: Row,
  writer: number,
  table: number,
  values: ReadonlyMap<number, number | null>,
): Row {
  const row: Row = new Map(before);
  const moved = new Set<number>();
  for (const [cell, value] of values) {
    if (row.get(cell) !== value) moved.add(cell);
    row.set(cell, value);
  }
  spread(versions, row, writer, table, moved);
  return row;
}

/** Brings what the writer gave down to the oldest version and up to the newest; all of it where the row is new. */
function spread(versions: readonly Version[], row: Row, writer: number, table: number, moved?: Set<number>): void {
  const follow = (links: readonly Link[]): void => {
    for (const { to, from, convert, table: of } of links) {
      if (of !== table || (moved !== undefined && !moved.has(from))) continue;
      const value = convert(row.get(from) ?? null);
      if (row.get(to) !== value) moved?.add(to);
      row.set(to, value);
    }
  };
  for (let at = writer; at > 0; at -= 1) follow(versions[at]?.down ?? []);
  for (let at = writer + 1; at < versions.length; at += 1) follow(versions[at]?.up ?? []);
}

function columnsOf(version: Version | undefined, table: number): readonly Column[] {
  return version?.tables.find(({ id }) => id === table)?.columns ?? [];
}

/** Takes a row and what refers to it away. @returns false when a row that stays refers to one that goes */
function remove(model: DataModel, rows: Rows, writer: number, table: number, key: number): boolean {
  rows.get(table)?.delete(key);
  for (const version of model.versions) {
    for (const child of version.tables) {
      for (const rule of child.rules) {
        if (rule.kind !== "reference" || rule.target !== table) continue;
        for (const [other, row] of rows.get(child.id) ?? []) {
          if (row.get(rule.cell) !== key) continue;
          if (rule.onDelete === "no action") return false;
          if (rule.onDelete === "cascade") {
            if (!remove(model, rows, writer, child.id, other)) return false;
          } else {
            rows.get(child.id)?.set(other, updated(model, row, writer, child.id, new Map([[rule.cell, null]])));
          }
        }
      }
    }
  }
  return true;
}

function keepsRules({ tables }: Version, rows: Rows): boolean {
  return tables.every((table) => {
    const of = [...(rows.get(table.id) ?? new Map<number, Row>()).values()];
    const complete = table.columns.every(
      ({ cell, notNull }) => !notNull || of.every((row) => (row.get(cell) ?? null) !== null),
    );
    return complete && table.rules.every((rule) => keeps(rule, of, rows));
  });
}

function keeps(rule: Rule, of: readonly Row[], rows: Rows): boolean {
  const values = of.flatMap((row) => {
    const value = row.get(rule.cell) ?? null;
    return value === null ? [] : [value];
  });
  switch (rule.kind) {
    case "unique":
      return new Set(values).size === values.length;
    case "check":
      return values.every((value) => value >= rule.least);
    case "reference":
      return values.every((value) => rows.get(rule.target)?.has(value) === true);
    case "index":
      return true;
  }
}
