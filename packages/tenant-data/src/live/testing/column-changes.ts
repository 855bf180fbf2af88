import { quoteIdentifier } from "../../quote-identifier.ts";
import type { Column } from "./data-model.ts";
import {
  type Draft,
  ownStore,
  randomShape,
  replaceColumn,
  replaceTable,
  someTable,
  withoutDefault,
} from "./release-draft.ts";
import { constantSql, readSql, writeSql } from "./shape.ts";

export function changeShape(draft: Draft): void {
  const { random } = draft;
  const table = someTable(draft);
  const column = random.pick((table?.columns ?? []).filter(({ custom }) => custom !== true));
  if (table === undefined || column === undefined) return;
  if (table.rules.some((rule) => rule.kind === "check" && rule.cell === column.cell)) return;
  const shape = randomShape(random, column.domain);
  const name = quoteIdentifier(column.name);
  const store = ownStore(draft, column);
  draft.operations.push({
    alter_column: {
      table: table.name,
      column: column.name,
      type: shape.type,
      up: writeSql(readSql(name, column.shape), shape),
      down: writeSql(readSql(name, shape), column.shape),
      ...(store.default === null ? {} : { default: constantSql(store.default, shape) }),
    },
  });
  replaceTable(draft, table, {
    columns: table.columns.map((one) => (one === column ? { ...withoutDefault(one), shape, store } : one)),
  });
}

export function addColumn(draft: Draft): void {
  const { random, counter } = draft;
  const table = someTable(draft);
  if (table === undefined) return;
  const domain = random.pick(["number", "number", "bit"] as const) ?? "number";
  const source = random.chance(0.6)
    ? random.pick(table.columns.filter((one) => one.domain === domain && !draft.converted.has(one.cell)))
    : undefined;
  const shape = randomShape(random, domain);
  const number = counter.next();
  const notNull = random.chance(0.4);
  const usual = notNull || random.chance(0.3) ? random.int(0, 1) : null;
  // Rows whose source is null would have none.
  const convert = (value: number | null): number | null =>
    value === null ? (notNull ? 1 : null) : domain === "bit" ? 1 - value : value + 1;
  const column: Column = { name: `a${number}`, cell: number, domain, shape, notNull, store: { default: usual } };
  const from = source === undefined ? "" : readSql(quoteIdentifier(source.name), source.shape);
  const converted = domain === "bit" ? `(1 - ${from})` : `(${from} + 1)`;
  draft.operations.push({
    add_column: {
      table: table.name,
      column: {
        name: column.name,
        type: shape.type,
        nullable: !notNull,
        ...(usual === null ? {} : { default: constantSql(usual, shape) }),
      },
      ...(source === undefined ? {} : { up: writeSql(notNull ? `coalesce(${converted}, 1)` : converted, shape) }),
    },
  });
  if (source !== undefined) {
    draft.up.push({ table: table.id, to: number, from: source.cell, convert });
    draft.converted.add(number).add(source.cell);
  }
  // Which column is made of another one is not known of one that the release makes.
  draft.converted.add(number);
  replaceTable(draft, table, { columns: [...table.columns, column] });
}

export function dropColumn(draft: Draft): void {
  const { random } = draft;
  const table = someTable(draft);
  const column = random.pick(
    (table?.columns ?? []).filter(({ cell, custom }) => !draft.converted.has(cell) && custom !== true),
  );
  if (table === undefined || column === undefined || table.columns.length < 2) return;
  const source = random.pick(
    table.columns.filter(
      (one) => one !== column && one.domain === column.domain && !draft.converted.has(one.cell) && one.custom !== true,
    ),
  );
  const needed = column.notNull && column.store.default === null;
  const filled = column.domain !== "key" && source !== undefined && (needed || random.chance(0.5));
  if (needed && !filled) return;
  if (filled) {
    const value = `coalesce(${readSql(quoteIdentifier(source.name), source.shape)}, 0)`;
    draft.operations.push({
      drop_column: { table: table.name, column: column.name, down: writeSql(value, column.shape) },
    });
    draft.down.push({ table: table.id, to: column.cell, from: source.cell, convert: (from) => from ?? 0 });
    draft.converted.add(source.cell);
  } else {
    draft.operations.push({ drop_column: { table: table.name, column: column.name } });
  }
  draft.converted.add(column.cell);
  replaceTable(draft, table, {
    columns: table.columns.filter((one) => one !== column),
    rules: table.rules.filter(({ cell }) => cell !== column.cell),
  });
}

export function renameColumn(draft: Draft): void {
  const table = draft.random.pick(draft.tables);
  const column = draft.random.pick(table?.columns ?? []);
  if (table === undefined || column === undefined) return;
  const name = `r${draft.counter.next()}`;
  draft.operations.push({ rename_column: { table: table.name, from: column.name, to: name } });
  replaceColumn(draft, table, column, { name });
}

/** Where one version holds nulls and the other does not, each has a cell of its own. */
export function changeNulls(draft: Draft): void {
  const { random, counter } = draft;
  const table = someTable(draft);
  const column = random.pick(
    (table?.columns ?? []).filter(
      ({ cell, domain, custom }) => !draft.converted.has(cell) && domain !== "key" && custom !== true,
    ),
  );
  if (table === undefined || column === undefined) return;
  const name = quoteIdentifier(column.name);
  const cell = counter.next();
  const filled = writeSql(`coalesce(${readSql(name, column.shape)}, 0)`, column.shape);
  const [same, orZero] = [(value: number | null) => value, (value: number | null) => value ?? 0];
  const store = ownStore(draft, column);
  draft.operations.push({
    alter_column: {
      table: table.name,
      column: column.name,
      nullable: column.notNull,
      up: column.notNull ? name : filled,
      down: column.notNull ? filled : name,
    },
  });
  draft.up.push({ table: table.id, to: cell, from: column.cell, convert: column.notNull ? same : orZero });
  draft.down.push({ table: table.id, to: column.cell, from: cell, convert: column.notNull ? orZero : same });
  draft.converted.add(cell).add(column.cell);
  replaceTable(draft, table, {
    columns: table.columns.map((one) =>
      one === column ? { ...withoutDefault(one), cell, notNull: !column.notNull, store } : one,
    ),
    rules: table.rules.map((rule) => (rule.cell === column.cell ? { ...rule, cell } : rule)),
  });
}

export function changeDefault(draft: Draft): void {
  const { random } = draft;
  const table = someTable(draft);
  const column = random.pick(
    (table?.columns ?? []).filter(
      ({ cell, domain, custom }) => domain !== "key" && custom !== true && !draft.converted.has(cell),
    ),
  );
  if (table === undefined || column === undefined) return;
  const value = random.chance(0.2) && !column.notNull ? null : random.int(0, 1);
  draft.operations.push({
    alter_column: {
      table: table.name,
      column: column.name,
      default: value === null ? null : constantSql(value, column.shape),
    },
  });
  if (draft.freshStores.has(column.store)) column.store.default = value;
  else replaceColumn(draft, table, column, { default: value });
}
