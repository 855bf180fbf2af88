import type { Column, DataModel, Link, Store, Table } from "./data-model.ts";
import type { Random } from "./random.ts";
import { type Domain, type Shape, TYPES } from "./shape.ts";

/** Numbers for names, tables and cells that nothing else has. */
export interface Counter {
  next(): number;
}

export interface Draft {
  readonly random: Random;
  readonly counter: Counter;
  readonly model: DataModel;
  tables: Table[];
  up: Link[];
  down: Link[];
  operations: object[];
  /** Cells that an operation of this release converts: what is made of a conversion's result is not tried. */
  readonly converted: Set<number>;
  /** Tables that the release makes, and stores that it makes of columns that were there. */
  readonly freshTables: Set<number>;
  readonly freshStores: Set<Store>;
}

export function randomShape(random: Random, domain: Domain): Shape {
  return { type: random.pick(TYPES[domain]) ?? "integer", offset: domain === "number" ? random.int(-9, 9) : 0 };
}

/** A table that was there, most often; it has columns besides its key. */
export function someTable(draft: Draft): Table | undefined {
  return draft.random.pick(draft.tables.filter(({ id }) => !draft.freshTables.has(id)));
}

export function replaceTable(draft: Draft, { id }: Table, changes: Partial<Table>): void {
  draft.tables = draft.tables.map((table) => (table.id === id ? { ...table, ...changes } : table));
}

export function replaceColumn(draft: Draft, table: Table, column: Column, changes: Partial<Column>): void {
  replaceTable(draft, table, {
    columns: table.columns.map((one) => (one === column ? { ...one, ...changes } : one)),
  });
}

/** What a column has that its own default is not passed on any more. */
export function withoutDefault({ default: _default, ...column }: Column): Column {
  return column;
}

/** A column of the version's own in place of another; it keeps the default that the version had. */
export function ownStore(draft: Draft, column: Column): Store {
  if (draft.freshStores.has(column.store)) return column.store;
  const store = { default: column.default === undefined ? column.store.default : column.default };
  draft.freshStores.add(store);
  return store;
}
