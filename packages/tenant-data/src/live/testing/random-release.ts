import { quoteIdentifier } from "../../quote-identifier.ts";
import type { Column, DataModel, Link, Rule, Store, Table, Version } from "./data-model.ts";
import type { Random } from "./random.ts";
import { constantSql, type Domain, readSql, type Shape, TYPES, writeSql } from "./shape.ts";

/** Numbers for names, tables and cells that nothing else has. */
export interface Counter {
  next(): number;
}

/** A release's operations, and the version that they make of the newest one. */
export interface RandomRelease {
  readonly version: Version;
  readonly operations: readonly object[];
}

interface Draft {
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

export function randomRelease(model: DataModel, random: Random, counter: Counter, name: string): RandomRelease {
  const newest = model.versions.at(-1);
  const draft: Draft = {
    random,
    counter,
    model,
    tables: [...(newest?.tables ?? [])],
    up: [],
    down: [],
    operations: [],
    converted: new Set(),
    freshTables: new Set(),
    freshStores: new Set(),
  };
  if (random.chance(0.15)) rawTable(draft);
  const wanted = random.int(1, 5);
  for (let tries = 0; tries < 30 && draft.operations.length < wanted; tries += 1) {
    random.weighted(CHANGES)?.(draft);
  }
  if (draft.operations.length === 0) renameTable(draft);
  const { tables, up, down, operations } = draft;
  return { version: { name, tables, up, down: down.toReversed() }, operations };
}

const CHANGES: readonly (readonly [number, (draft: Draft) => void])[] = [
  [4, changeShape],
  [4, addColumn],
  [2, dropColumn],
  [2, renameColumn],
  [2, changeNulls],
  [1, changeDefault],
  [1, renameTable],
  [2, createTable],
  [1, dropTable],
  [1, createIndex],
  [2, createRule],
  [2, dropRule],
  [1, renameRule],
  [1, replicaIdentity],
  [1, comment],
];

/** A table that was there, most often; it has columns besides its key. */
function someTable(draft: Draft): Table | undefined {
  return draft.random.pick(draft.tables.filter(({ id }) => !draft.freshTables.has(id)));
}

function replaceTable(draft: Draft, { id }: Table, changes: Partial<Table>): void {
  draft.tables = draft.tables.map((table) => (table.id === id ? { ...table, ...changes } : table));
}

function replaceColumn(draft: Draft, table: Table, column: Column, changes: Partial<Column>): void {
  replaceTable(draft, table, {
    columns: table.columns.map((one) => (one === column ? { ...one, ...changes } : one)),
  });
}

/** What a column has that its own default is not passed on any more. */
function withoutDefault({ default: _default, ...column }: Column): Column {
  return column;
}

/** A column of the version's own in place of another; it keeps the default that the version had. */
function ownStore(draft: Draft, column: Column): Store {
  if (draft.freshStores.has(column.store)) return column.store;
  const store = { default: column.default === undefined ? column.store.default : column.default };
  draft.freshStores.add(store);
  return store;
}

function changeShape(draft: Draft): void {
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

function addColumn(draft: Draft): void {
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

function dropColumn(draft: Draft): void {
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

function renameColumn(draft: Draft): void {
  const table = draft.random.pick(draft.tables);
  const column = draft.random.pick(table?.columns ?? []);
  if (table === undefined || column === undefined) return;
  const name = `r${draft.counter.next()}`;
  draft.operations.push({ rename_column: { table: table.name, from: column.name, to: name } });
  replaceColumn(draft, table, column, { name });
}

/** Where one version holds nulls and the other does not, each has a cell of its own. */
function changeNulls(draft: Draft): void {
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

function changeDefault(draft: Draft): void {
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

function renameTable(draft: Draft): void {
  const table = draft.random.pick(draft.tables);
  if (table === undefined) return;
  const name = `t${draft.counter.next()}`;
  draft.operations.push({ rename_table: { from: table.name, to: name } });
  replaceTable(draft, table, { name });
}

/** Columns of a table that nobody uses yet. */
export function randomColumns(random: Random, counter: Counter, most: number): Column[] {
  return Array.from({ length: random.int(1, most) }, () => {
    const domain = random.pick(["number", "number", "bit"] as const) ?? "number";
    const number = counter.next();
    const store = { default: random.chance(0.4) ? random.int(0, 1) : null };
    return {
      name: `c${number}`,
      cell: number,
      domain,
      shape: randomShape(random, domain),
      notNull: random.chance(0.4),
      store,
    };
  });
}

/** A column that refers to another table, now and then. */
export function randomReference(
  random: Random,
  counter: Counter,
  tables: readonly Table[],
): { column: Column; rule: Rule & { kind: "reference" } } | undefined {
  const target = random.chance(0.6) ? random.pick(tables) : undefined;
  if (target === undefined) return undefined;
  const number = counter.next();
  const onDelete = random.pick(["no action", "cascade", "set null"] as const) ?? "no action";
  const column: Column = {
    name: `f${number}`,
    cell: number,
    domain: "key",
    shape: { type: target.keyType, offset: 0 },
    notNull: random.chance(0.2),
    store: { default: null },
  };
  return { column, rule: { kind: "reference", name: `k${number}`, cell: number, target: target.id, onDelete } };
}

function createTable(draft: Draft): void {
  const { random, counter } = draft;
  if (draft.tables.length > 5) return;
  const id = counter.next();
  const columns = randomColumns(random, counter, 3);
  const reference = randomReference(random, counter, draft.tables);
  const identity = random.chance(0.4);
  const target = draft.tables.find((one) => one.id === reference?.rule.target);
  draft.operations.push({
    create_table: {
      name: `t${id}`,
      columns: [
        {
          name: "id",
          type: "integer",
          pk: true,
          ...(identity ? { generated: { identity: { user_specified_values: "BY DEFAULT" } } } : {}),
        },
        ...columns.map(definitionOf),
        ...(reference === undefined || target === undefined
          ? []
          : [
              {
                ...definitionOf(reference.column),
                references: {
                  name: reference.rule.name,
                  table: target.name,
                  column: target.key,
                  on_delete: reference.rule.onDelete.toUpperCase(),
                },
              },
            ]),
      ],
    },
  });
  draft.freshTables.add(id);
  draft.tables = [
    ...draft.tables,
    {
      id,
      name: `t${id}`,
      key: "id",
      keyType: "integer",
      identity,
      columns: reference === undefined ? columns : [...columns, reference.column],
      rules: reference === undefined ? [] : [reference.rule],
    },
  ];
}

function definitionOf({ name, shape, notNull, store }: Column): object {
  const usual = store.default === null ? {} : { default: constantSql(store.default, shape) };
  return { name, type: shape.type, nullable: !notNull, ...usual };
}

/** A table by SQL of the author's own, which goes first: it can't name what other operations make. */
function rawTable(draft: Draft): void {
  const { random, counter } = draft;
  const id = counter.next();
  const columns = randomColumns(random, counter, 2);
  draft.operations.push({
    sql: {
      up: `create table t${id} (id bigint primary key, ${columns.map(columnSql).join(", ")})`,
      down: `drop table t${id}`,
    },
  });
  draft.freshTables.add(id);
  draft.tables = [
    ...draft.tables,
    { id, name: `t${id}`, key: "id", keyType: "bigint", identity: false, columns, rules: [] },
  ];
}

export function columnSql({ name, shape, notNull, store }: Column): string {
  const usual = store.default === null ? "" : ` default ${constantSql(store.default, shape)}`;
  return `${quoteIdentifier(name)} ${shape.type}${usual}${notNull ? " not null" : ""}`;
}

function dropTable(draft: Draft): void {
  const table = someTable(draft);
  if (table === undefined || draft.tables.length < 3) return;
  const isReferred = draft.tables.some((one) =>
    one.rules.some((rule) => rule.kind === "reference" && rule.target === table.id),
  );
  // What is converted in the same release would be for nothing.
  if (isReferred || table.columns.some(({ cell }) => draft.converted.has(cell))) return;
  draft.operations.push({ drop_table: { name: table.name } });
  draft.tables = draft.tables.filter(({ id }) => id !== table.id);
}

function createIndex(draft: Draft): void {
  const table = draft.random.pick(draft.tables);
  const column = draft.random.pick(table?.columns ?? []);
  if (table === undefined || column === undefined) return;
  const unique = column.domain === "number" && draft.random.chance(0.4);
  const name = `i${draft.counter.next()}`;
  draft.operations.push({ create_index: { table: table.name, name, columns: [column.name], unique } });
  const { cell } = column;
  const rule: Rule = unique ? { kind: "unique", name, cell, constraint: false } : { kind: "index", name, cell };
  replaceTable(draft, table, { rules: [...table.rules, rule] });
}

/** The column becomes the version's own, with the values that it has. */
function makeOwn(draft: Draft, table: Table, column: Column, rules: readonly Rule[]): void {
  const store = ownStore(draft, column);
  replaceTable(draft, table, {
    columns: table.columns.map((one) => (one === column ? { ...withoutDefault(one), store } : one)),
    rules,
  });
}

function createRule(draft: Draft): void {
  const { random, counter } = draft;
  const table = someTable(draft);
  const column = random.pick(
    (table?.columns ?? []).filter(
      ({ domain, cell, custom }) => domain !== "bit" && !draft.converted.has(cell) && custom !== true,
    ),
  );
  if (table === undefined || column === undefined) return;
  const name = `k${counter.next()}`;
  const { cell } = column;
  const value = quoteIdentifier(column.name);
  const common = {
    table: table.name,
    name,
    columns: [column.name],
    up: { [column.name]: value },
    down: { [column.name]: value },
  };
  if (column.domain === "key") {
    // One that another version has may do something else with what it refers to.
    const everywhere = draft.model.versions.flatMap((version) => version.tables).filter(({ id }) => id === table.id);
    if ([table, ...everywhere].some(({ rules }) => rules.some((rule) => rule.kind === "reference"))) return;
    const target = random.pick(draft.tables.filter(({ id }) => id < table.id && !draft.freshTables.has(id)));
    if (target === undefined) return;
    draft.operations.push({
      create_constraint: { ...common, type: "foreign_key", references: { table: target.name, columns: [target.key] } },
    });
    makeOwn(draft, table, column, [
      ...table.rules,
      { kind: "reference", name, cell, target: target.id, onDelete: "no action" },
    ]);
    return;
  }
  if (random.chance(0.5)) {
    draft.operations.push({ create_constraint: { ...common, type: "unique" } });
    makeOwn(draft, table, column, [...table.rules, { kind: "unique", name, cell, constraint: true }]);
    return;
  }
  const least = random.int(-25, -10);
  draft.operations.push({
    create_constraint: { ...common, type: "check", check: `${readSql(value, column.shape)} >= ${least}` },
  });
  makeOwn(draft, table, column, [...table.rules, { kind: "check", name, cell, least }]);
}

function dropRule(draft: Draft): void {
  const table = someTable(draft);
  const rule = draft.random.pick((table?.rules ?? []).filter(({ cell }) => !draft.converted.has(cell)));
  const column = table?.columns.find(({ cell }) => cell === rule?.cell);
  if (table === undefined || rule === undefined || column === undefined) return;
  const rules = table.rules.filter((one) => one !== rule);
  if (rule.kind === "index" || (rule.kind === "unique" && !rule.constraint)) {
    draft.operations.push({ drop_index: { name: rule.name } });
    replaceTable(draft, table, { rules });
    return;
  }
  const value = quoteIdentifier(column.name);
  draft.operations.push({ drop_constraint: { table: table.name, name: rule.name, up: value, down: value } });
  makeOwn(draft, table, column, rules);
}

function renameRule(draft: Draft): void {
  const table = someTable(draft);
  const rule = draft.random.pick(
    (table?.rules ?? []).filter(
      (one) => one.kind === "check" || one.kind === "reference" || (one.kind === "unique" && one.constraint),
    ),
  );
  if (table === undefined || rule === undefined) return;
  const name = `k${draft.counter.next()}`;
  draft.operations.push({ rename_constraint: { table: table.name, from: rule.name, to: name } });
  replaceTable(draft, table, { rules: table.rules.map((one) => (one === rule ? { ...one, name } : one)) });
}

function replicaIdentity(draft: Draft): void {
  const table = draft.random.pick(draft.tables);
  if (table === undefined) return;
  const type = draft.random.pick(["full", "default", "nothing"]);
  draft.operations.push({ set_replica_identity: { table: table.name, identity: { type } } });
}

function comment(draft: Draft): void {
  const table = draft.random.pick(draft.tables);
  const column = draft.random.pick(table?.columns ?? []);
  if (table === undefined || column === undefined) return;
  const text = `It's number ${draft.counter.next()}`;
  draft.operations.push({ alter_column: { table: table.name, column: column.name, comment: text } });
}
