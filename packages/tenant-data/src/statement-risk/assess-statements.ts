import { splitStatements } from "../sql-migrations/split-statements.ts";
import { readStatement } from "./read-statement.ts";
import { type Finding, LOCK_LEVELS, type LockLevel, type StatementRisk, type TableEffect } from "./statement-risk.ts";

const LONGEST = 200;

/**
 * Tells for each statement of a text which locks it takes on tables that were there before, whether it rewrites or
 * reads them as a whole, whether it can be taken back, and what to know about it. Nothing is run.
 *
 * @throws MigrationFileError, which names the text's line, for what is not SQL
 */
export async function assessStatements(sql: string): Promise<StatementRisk[]> {
  const made = new Set<string>();
  return (await splitStatements("SQL", sql)).map(({ sql: text, type, fields, line }) => {
    const node = { type, fields };
    const reading = readStatement(node.type, node.fields);
    const own = madeBy(node.type, node.fields);
    // A table that the same text makes has no users who could wait.
    const effects = (reading?.effects ?? []).filter(({ relation }) => !made.has(relation));
    if (own !== undefined) made.add(own);
    const inTransaction = reading?.inTransaction ?? true;
    return {
      statement: shorten(text),
      line,
      kind: node.type,
      known: reading !== undefined,
      effects,
      reversible: reading?.reversible ?? "unknown",
      inTransaction,
      findings: [
        ...(reading === undefined ? [UNKNOWN] : findingsOf(effects, reading.findings ?? [])),
        ...outside(inTransaction),
      ],
    };
  });
}

const UNKNOWN: Finding = {
  code: "unknown",
  message:
    "Nothing is known about this kind of statement: what it locks, rewrites or loses can't be told from its text.",
};

/** What follows from locks alone, unless the statement's own findings say it better. */
function findingsOf(effects: readonly TableEffect[], own: readonly Finding[]): Finding[] {
  const touched = own.filter(
    ({ code }) => effects.length > 0 || !["scans-table", "rewrites-table", "breaks-old-code"].includes(code),
  );
  if (touched.some(({ code }) => code === "scans-table" || code === "rewrites-table")) return touched;
  const long = effects.find(
    ({ lock, scans, rewrites }) => isAtLeast(lock, "ShareLock") && (scans !== "no" || rewrites !== "no"),
  );
  if (long === undefined) return touched;
  const blocksReads = long.lock === "AccessExclusiveLock";
  return [
    ...touched,
    {
      code: blocksReads ? "blocks-reads" : "blocks-writes",
      message: `Nobody can ${blocksReads ? "read or write" : "write"} "${long.relation}" for as long as it takes to go through all rows.`,
    },
  ];
}

function outside(inTransaction: boolean): Finding[] {
  if (inTransaction) return [];
  return [
    {
      code: "not-in-transaction",
      message: "It can't run in a transaction: when it fails in the middle, what it did so far stays.",
    },
  ];
}

function isAtLeast(lock: LockLevel, other: LockLevel): boolean {
  return LOCK_LEVELS.indexOf(lock) >= LOCK_LEVELS.indexOf(other);
}

function madeBy(type: string, fields: Readonly<Record<string, unknown>>): string | undefined {
  if (type !== "CreateStmt") return undefined;
  const relation = fields["relation"] as { relname?: string; schemaname?: string } | undefined;
  if (relation?.relname === undefined) return undefined;
  return relation.schemaname === undefined ? relation.relname : `${relation.schemaname}.${relation.relname}`;
}

function leadingBlank(text: string): number {
  return Buffer.byteLength(/^(\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*/.exec(text)?.[0] ?? "");
}

function shorten(text: string): string {
  const plain = text.slice(leadingBlank(text)).replace(/\s+/g, " ").trim();
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST)}…` : plain;
}
