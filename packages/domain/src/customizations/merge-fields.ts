import type { Conflict, Decide, Decision, ReportLine } from "./conflict.ts";
import { type DocumentPath, formatPath, keySegment } from "./document-path.ts";
import type { JsonValue } from "./json-value.ts";
import { decidedValue, resolvedLine } from "./decide-conflicts.ts";

/** Types of a tenant's own columns, as SQL knows them. */
export const CUSTOM_FIELD_TYPES = [
  "text",
  "boolean",
  "integer",
  "bigint",
  "numeric",
  "date",
  "timestamptz",
  "uuid",
  "jsonb",
] as const;
export type CustomFieldType = (typeof CUSTOM_FIELD_TYPES)[number];

/** What all releases call a tenant's own columns, among what is customised. */
export const CUSTOM_FIELDS = "custom-fields";

/** A tenant's own columns: their types by table and name. */
export type FieldsByTable = Readonly<Record<string, Readonly<Record<string, { readonly type: string }>>>>;

/** What a release does to the tables that tenants may have columns of their own on, one after the other. */
export type TableChange =
  | { readonly change: "rename-table"; readonly from: string; readonly to: string }
  | { readonly change: "drop-table"; readonly table: string }
  | {
      readonly change: "bring-column";
      readonly table: string;
      readonly column: string;
      /** What the conflict shows of the release's column. */
      readonly as: { readonly [key: string]: JsonValue };
    };

/** What becomes of a field whose name the release takes: its values go into the release's column, or it has another name. */
export type FieldChoice = ({ readonly adopt: true } | { readonly rename: string }) & {
  /** Who, or what, decided. */
  readonly by?: string;
};

export interface MergedFields {
  /** As the new version calls them; with the tenant's name at every conflict that is not decided. */
  readonly fields: FieldsByTable;
  readonly conflicts: readonly Conflict[];
  readonly report: readonly ReportLine[];
  /** By `table.column`, the table being called as it is when the release brings the column. */
  readonly choices: ReadonlyMap<string, FieldChoice>;
}

/** Lower case, begins with a letter, and not a name that the data engine makes. */
const FIELD_NAME = /^(?!aibos_)[a-z][a-z0-9_]{0,59}$/;

/** What was chosen before, as a decision. */
export function decisionOf(choice: FieldChoice): Decision {
  const by = choice.by === undefined ? {} : { by: choice.by };
  return "adopt" in choice ? { take: "vendor", ...by } : { take: "value", value: choice.rename, ...by };
}

export function isFieldName(name: string): boolean {
  return FIELD_NAME.test(name);
}

/**
 * Takes a tenant's own columns along one release. Tables that the release renames keep their fields. A column that it
 * brings under a field's name is a conflict: taking the vendor's adopts the field, keeping the tenant's gives the field
 * the name `own_…`, and a value is the name that it gets. A table that it drops takes its fields along, which only a
 * person may accept.
 */
export function mergeFields(fields: FieldsByTable, changes: readonly TableChange[], decide: Decide): MergedFields {
  const tables = new Map(Object.entries(fields).map(([table, own]) => [table, new Map(Object.entries(own))]));
  const conflicts: Conflict[] = [];
  const report: ReportLine[] = [];
  const choices = new Map<string, FieldChoice>();
  /** Columns of the releases that came since: names that a field can't get. */
  const brought = new Set<string>();

  const open = (conflict: Conflict): void => {
    conflicts.push(conflict);
    report.push({ outcome: "conflict", path: conflict.path, detail: conflict.kind });
  };

  const dropTable = (table: string): void => {
    const own = tables.get(table);
    if (own === undefined || own.size === 0) return;
    const conflict: Conflict = {
      kind: "removal",
      path: [keySegment(table)],
      base: undefined,
      ours: Object.fromEntries(own),
      theirs: undefined,
      detail: "the new version drops the table, and the tenant's own columns with it",
    };
    const decision = decide(conflict);
    if (decision?.take !== "vendor") {
      open(conflict);
      return;
    }
    tables.delete(table);
    report.push(resolvedLine(conflict, decision));
  };

  const bringColumn = ({ table, column, as }: Extract<TableChange, { change: "bring-column" }>): void => {
    brought.add(`${table}.${column}`);
    const own = tables.get(table);
    const field = own?.get(column);
    if (own === undefined || field === undefined) return;
    const path = [keySegment(table), keySegment(column)];
    const isTaken = (name: string): boolean => own.has(name) || brought.has(`${table}.${name}`);
    const kept = freeName(column, isTaken);
    const conflict: Conflict = {
      kind: "custom-field",
      path,
      base: undefined,
      ours: { ...field },
      theirs: as,
      detail: `the tenant's keeps both, the field as "${kept}"; the vendor's puts the field's values into the new column`,
    };
    const decision = decide(conflict);
    const choice = decision === undefined ? undefined : choiceFor(conflict, decision, kept, isTaken);
    if (decision === undefined || choice === undefined) {
      open(conflict);
      return;
    }
    own.delete(column);
    if ("rename" in choice) own.set(choice.rename, field);
    choices.set(`${table}.${column}`, decision.by === undefined ? choice : { ...choice, by: decision.by });
    report.push(resolvedField(conflict, decision, choice));
  };

  for (const change of changes) {
    if (change.change === "bring-column") bringColumn(change);
    else if (change.change === "drop-table") dropTable(change.table);
    else {
      const own = tables.get(change.from);
      tables.delete(change.from);
      if (own === undefined || own.size === 0) continue;
      tables.set(change.to, own);
      report.push({ outcome: "renamed", path: [keySegment(change.to)], detail: `from /${keySegment(change.from)}` });
    }
  }
  return { fields: toFields(tables), conflicts, report: [...report, ...keptLines(fields, report)], choices };
}

/** A name for a field whose own name is taken. */
function freeName(field: string, isTaken: (name: string) => boolean): string {
  for (let number = 1; ; number += 1) {
    const name = `own_${field.slice(0, 50)}${number === 1 ? "" : `_${number}`}`;
    if (!isTaken(name)) return name;
  }
}

function choiceFor(
  conflict: Conflict,
  decision: Decision,
  kept: string,
  isTaken: (name: string) => boolean,
): FieldChoice | undefined {
  if (decision.take === "vendor") return { adopt: true };
  if (decision.take === "tenant") return { rename: kept };
  const name = decidedValue(conflict, decision);
  return typeof name === "string" && isFieldName(name) && !isTaken(name) ? { rename: name } : undefined;
}

function resolvedField({ kind, path }: Conflict, { by }: Decision, choice: FieldChoice): ReportLine {
  const what = "adopt" in choice ? "the new column has the field's values" : `the field is called "${choice.rename}"`;
  return { outcome: "resolved", path, detail: `${kind}: ${what}${by === undefined ? "" : `, ${by}`}` };
}

/** Fields of which nothing else is said. */
function keptLines(fields: FieldsByTable, report: readonly ReportLine[]): ReportLine[] {
  const told = new Set(report.map(({ path }) => formatPath(path)));
  return Object.entries(fields).flatMap(([table, own]) =>
    Object.keys(own)
      .map((field): DocumentPath => [keySegment(table), keySegment(field)])
      .filter((path) => !told.has(formatPath(path)) && !told.has(formatPath(path.slice(0, 1))))
      .map((path): ReportLine => ({ outcome: "kept", path })),
  );
}

function toFields(tables: ReadonlyMap<string, ReadonlyMap<string, { type: string }>>): FieldsByTable {
  return Object.fromEntries(
    [...tables].filter(([, own]) => own.size > 0).map(([table, own]) => [table, Object.fromEntries(own)]),
  );
}
