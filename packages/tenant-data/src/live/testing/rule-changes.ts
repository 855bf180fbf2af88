import { quoteIdentifier } from "../../quote-identifier.ts";
import type { Column, Rule, Table } from "./data-model.ts";
import { type Draft, ownStore, replaceTable, someTable, withoutDefault } from "./release-draft.ts";
import { readSql } from "./shape.ts";

export function createIndex(draft: Draft): void {
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

export function createRule(draft: Draft): void {
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

export function dropRule(draft: Draft): void {
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

export function renameRule(draft: Draft): void {
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
