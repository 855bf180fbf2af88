import type { DataModel, Version } from "./data-model.ts";
import { addColumn, changeDefault, changeNulls, changeShape, dropColumn, renameColumn } from "./column-changes.ts";
import type { Random } from "./random.ts";
import { columnSql, definitionOf, randomColumns, randomReference } from "./random-columns.ts";
import { type Counter, type Draft, replaceTable, someTable } from "./release-draft.ts";
import { createIndex, createRule, dropRule, renameRule } from "./rule-changes.ts";

/** A release's operations, and the version that they make of the newest one. */
export interface RandomRelease {
  readonly version: Version;
  readonly operations: readonly object[];
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

function renameTable(draft: Draft): void {
  const table = draft.random.pick(draft.tables);
  if (table === undefined) return;
  const name = `t${draft.counter.next()}`;
  draft.operations.push({ rename_table: { from: table.name, to: name } });
  replaceTable(draft, table, { name });
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
