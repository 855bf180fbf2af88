import { parse } from "libpg-query";
import { blockingForm } from "./blocking-form.ts";
import { lineAt } from "./line-at.ts";
import { MigrationFileError } from "./migration-file-error.ts";
import type { SqlFile, SqlMigration } from "./sql-migration.ts";

type Statement = Record<string, Record<string, unknown>>;

/** Statements that would end the engine's transaction, leave the tenant's role or schema, or touch the server. */
const REFUSED: Record<string, string> = {
  TransactionStmt: "each file runs in one transaction that the platform opens and ends",
  VacuumStmt: "VACUUM can't run in a transaction with other changes",
  CreateSchemaStmt: "a tenant's data for a module is one schema, which the platform makes",
  CreateRoleStmt: "roles are the platform's",
  AlterRoleStmt: "roles are the platform's",
  AlterRoleSetStmt: "roles are the platform's",
  DropRoleStmt: "roles are the platform's",
  GrantRoleStmt: "roles are the platform's",
  CreatedbStmt: "databases are the platform's",
  DropdbStmt: "databases are the platform's",
  AlterDatabaseStmt: "databases are the platform's",
  AlterDatabaseSetStmt: "databases are the platform's",
  AlterSystemStmt: "the server's settings are the operator's",
  CreateExtensionStmt: "extensions are the operator's",
  CreateTableSpaceStmt: "tablespaces are the operator's",
  CreateSubscriptionStmt: "replication is the operator's",
  CreatePublicationStmt: "replication is the operator's",
  CheckPointStmt: "the server's work is the operator's",
  DiscardStmt: "the session is the platform's",
  LoadStmt: "libraries are the operator's",
};

/** Settings that decide whose data a statement reaches. */
const REFUSED_SETTINGS = new Set(["role", "session_authorization", "search_path", "row_security"]);

/** Reads the statements of all files with PostgreSQL's own parser. @throws MigrationFileError with file and line */
export async function checkStatements(migrations: readonly SqlMigration[]): Promise<void> {
  for (const { up, down } of migrations) {
    await checkFile(up);
    if (down !== null) await checkFile(down);
  }
}

async function checkFile({ file, sql }: SqlFile): Promise<void> {
  const { stmts } = await readStatements(sql).catch((error: unknown) => {
    const details = error as { message?: string; sqlDetails?: { cursorPosition?: number } };
    const position = details.sqlDetails?.cursorPosition ?? 0;
    throw new MigrationFileError(file, details.message ?? String(error), lineAt(sql, position, "characters"));
  });
  for (const { stmt, stmt_location: location } of stmts ?? []) {
    const reason = refusal((stmt ?? {}) as unknown as Statement);
    if (reason === undefined) continue;
    throw new MigrationFileError(file, reason, lineAt(sql, location ?? 0, "bytes"));
  }
}

/** As they will be run: an index is made without CONCURRENTLY. */
async function readStatements(sql: string): ReturnType<typeof parse> {
  return parse(await blockingForm(sql));
}

function refusal(statement: Statement): string | undefined {
  const [kind = "", body = {}] = Object.entries(statement)[0] ?? [];
  const reason = Object.hasOwn(REFUSED, kind) ? REFUSED[kind] : undefined;
  if (kind === "VacuumStmt" && body["is_vacuumcmd"] !== true) return undefined;
  if (reason !== undefined) return `this statement is not allowed: ${reason}`;
  if (
    ((kind === "IndexStmt" || kind === "DropStmt") && body["concurrent"] === true) ||
    (kind === "ReindexStmt" && JSON.stringify(body["params"] ?? []).includes('"concurrently"'))
  ) {
    return "CONCURRENTLY can't run in a transaction; the tenant's requests are held meanwhile, so leave it out";
  }
  if (kind === "DropStmt" && body["removeType"] === "OBJECT_SCHEMA")
    return `this statement is not allowed: ${REFUSED["CreateSchemaStmt"]}`;
  if (kind === "CopyStmt" && (body["filename"] !== undefined || body["is_program"] === true)) {
    return "COPY with a file or program of the server is not allowed";
  }
  if (kind === "VariableSetStmt") {
    const name = typeof body["name"] === "string" ? body["name"] : "";
    if (body["kind"] === "VAR_RESET_ALL" || REFUSED_SETTINGS.has(name.toLowerCase())) {
      return `${name === "" ? "RESET ALL" : name} can't be set: role and schema are the platform's`;
    }
  }
  return undefined;
}
