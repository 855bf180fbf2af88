import { escapeIdentifier } from "pg";
import { ProblemError } from "./problem-error.ts";
import type { TenantTransaction } from "./tenant-transaction.ts";

/** A column of the tenant's own on one of the module's tables. */
export interface CustomField {
  readonly name: string;
  /** As SQL knows it. */
  readonly type: string;
}

/** The tenant's own columns of one table. */
export interface CustomFields {
  readonly fields: readonly CustomField[];
  /** What a whole row, as `to_jsonb(<table>)` gives it, has in them. */
  pick(row: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /**
   * The values of a request as `"name" = $3::text, …` for an update, with its parameters.
   *
   * @param first the number of the first parameter
   * @returns undefined when there are no values
   * @throws ProblemError (400) for a name that the tenant has no column of
   */
  assign(
    values: Readonly<Record<string, unknown>>,
    first: number,
  ): { readonly sql: string; readonly parameters: readonly unknown[] } | undefined;
}

const READ = "select aibos_customizations.content('custom-fields', $1) as content";
/** The platform's functions are not there where a test sets up a database by itself. */
const THERE = "select to_regproc('aibos_customizations.content') is not null as there";

/** @param version the module's own: columns are called as it calls them */
export async function readCustomFields(
  transaction: TenantTransaction,
  version: string,
  table: string,
): Promise<CustomFields> {
  const { rows: there } = await transaction.query<{ there: boolean }>(THERE);
  if (there[0]?.there !== true) return customFieldsOf([]);
  const { rows } = await transaction.query<{ content: string | null }>(READ, [version]);
  const tables = JSON.parse(rows[0]?.content ?? "{}") as Record<string, Record<string, { type: string }>>;
  const own = Object.hasOwn(tables, table) ? tables[table] : undefined;
  return customFieldsOf(Object.entries(own ?? {}).map(([name, { type }]) => ({ name, type })));
}

export function customFieldsOf(fields: readonly CustomField[]): CustomFields {
  return {
    fields,
    pick: (row) => Object.fromEntries(fields.map(({ name }) => [name, Object.hasOwn(row, name) ? row[name] : null])),
    assign(values, first) {
      const names = Object.keys(values);
      const parts = names.map((name, index) => {
        const field = fields.find((one) => one.name === name);
        if (field !== undefined) return `${escapeIdentifier(name)} = $${first + index}::${field.type}`;
        const known = fields.map((one) => one.name).join(", ");
        const detail = known === "" ? "There are no custom fields." : `There are the custom fields ${known}.`;
        throw new ProblemError(400, "INVALID_REQUEST", `There is no custom field "${name.slice(0, 80)}". ${detail}`);
      });
      return parts.length === 0
        ? undefined
        : { sql: parts.join(", "), parameters: Object.values(values).map(parameter) };
    },
  };
}

function parameter(value: unknown): unknown {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}
