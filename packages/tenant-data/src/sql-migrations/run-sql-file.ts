import { DatabaseError } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { readExtensionNames } from "../extensions/ensure-extensions.ts";
import { resetTenantSession, type TenantSession } from "../roles/tenant-session.ts";
import { definedNames } from "./defined-names.ts";
import { lineAt } from "./line-at.ts";
import { MigrationFileError } from "./migration-file-error.ts";
import { MigrationSqlError } from "./migration-sql-error.ts";
import { OUTSIDE_ONLY } from "./outside-transaction.ts";
import type { PlannedStatement, SqlFilePlan } from "./plan-sql-file.ts";
import { namesOneOf, qualifyNames, type SchemaStandIn } from "./qualify-names.ts";

/** SQLSTATEs of a lost connection or a transaction to be repeated, which say nothing about the file. */
const NOT_THE_FILE = /^(08...|57P0[123]|53300|40001|40P01)$/;

/** What is entered in the ledger around a file. Each is one statement or a few that the file's transaction includes. */
export interface FileRecord {
  /** Before a file that is not one transaction. */
  begun(): Promise<void>;
  /** In the transaction of a file that is one, else after the file. */
  finished(): Promise<void>;
}

/**
 * Runs one file as the tenant: in one transaction with its entry in the ledger where the file allows that, else
 * statement by statement, each in its own or in those that the file begins itself.
 *
 * @throws MigrationSqlError with file and line, MigrationFileError when it leaves a transaction open
 */
export async function runSqlFile(session: TenantSession, plan: SqlFilePlan, record: FileRecord): Promise<void> {
  if (plan.oneTransaction && (await runInside(session, plan, record))) return;
  await record.begun();
  await runOutside(session, plan);
  await record.finished();
}

/** False when the file turned out to need several transactions; nothing of it is there then. */
async function runInside(session: TenantSession, plan: SqlFilePlan, record: FileRecord): Promise<boolean> {
  const { client, place } = session;
  await client.query("begin");
  try {
    await runAll(session, plan);
    // Deferred constraints fail here, as the file's and not as the ledger's.
    await guarded(plan, plan.statements.at(-1), () => client.query("set constraints all immediate"));
    await record.finished();
    await guarded(plan, plan.statements.at(-1), () => client.query("commit"));
    await resetTenantSession(client, place);
    return true;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    await resetTenantSession(client, place).catch(() => undefined);
    if (error instanceof MigrationSqlError && OUTSIDE_ONLY.has(error.sqlState)) return false;
    throw error;
  }
}

async function runOutside(session: TenantSession, plan: SqlFilePlan): Promise<void> {
  const { client, place } = session;
  try {
    await runAll(session, plan);
    const last = plan.statements.findLast(({ step }) => step !== undefined && step !== "savepoint");
    if (last?.step === "begin" || last?.fields["chain"] === true) {
      throw new MigrationFileError(plan.file, "it begins a transaction that it does not end", last.line);
    }
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    await resetTenantSession(client, place).catch(() => undefined);
  }
}

async function runAll(session: TenantSession, plan: SqlFilePlan): Promise<void> {
  const { client, place } = session;
  // Most files name no schema.
  const { names } = plan.schemas;
  const named = plan.statements.some(({ sql }) => namesOneOf(sql, names));
  const extensionNames = named ? await readExtensionNames(client, place.schema) : new Map<string, string>();
  for (const { name } of definedNames(plan.statements)) extensionNames.delete(name);
  const stands: SchemaStandIn = { schema: place.schema, names, extensionNames };
  for (const statement of plan.statements) await runStatement(session, plan, statement, stands);
}

async function runStatement(
  { client }: TenantSession,
  plan: SqlFilePlan,
  statement: PlannedStatement,
  place: SchemaStandIn,
): Promise<void> {
  const sql = await qualifyNames(statement.sql, place);
  const { rows } = statement;
  await guarded(
    plan,
    statement,
    () => (rows === undefined ? client.query(sql) : sendRows(client.query(copyFrom(sql)), rows)),
    sql,
  );
}

function sendRows(stream: NodeJS.WritableStream, rows: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once("finish", () => resolve());
    stream.once("error", reject);
    stream.end(rows);
  });
}

/** Says of an error of the database where in the file it is. */
async function guarded(
  { file }: SqlFilePlan,
  statement: PlannedStatement | undefined,
  work: () => Promise<unknown>,
  sql = "",
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof DatabaseError) || NOT_THE_FILE.test(error.code ?? "")) throw error;
    const position = error.position === undefined ? undefined : Number(error.position) - 1;
    const line =
      statement === undefined || position === undefined
        ? statement?.line
        : statement.firstLine - 1 + lineAt(sql, position, "characters");
    const { code: sqlState = "unknown", message, hint } = error;
    throw new MigrationSqlError({ file, line, sqlState, message, hint }, { cause: error });
  }
}
