import { quoteIdentifier } from "../../quote-identifier.ts";
import type { Column, Rule, Table } from "./data-model.ts";
import type { Random } from "./random.ts";
import { type Counter, randomShape } from "./release-draft.ts";
import { constantSql } from "./shape.ts";

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

export function definitionOf({ name, shape, notNull, store }: Column): object {
  const usual = store.default === null ? {} : { default: constantSql(store.default, shape) };
  return { name, type: shape.type, nullable: !notNull, ...usual };
}

export function columnSql({ name, shape, notNull, store }: Column): string {
  const usual = store.default === null ? "" : ` default ${constantSql(store.default, shape)}`;
  return `${quoteIdentifier(name)} ${shape.type}${usual}${notNull ? " not null" : ""}`;
}
