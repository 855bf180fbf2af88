import { blockingForm } from "./blocking-form.ts";
import { MigrationFileError } from "./migration-file-error.ts";
import { needsNoTransaction, usesAddedValue } from "./outside-transaction.ts";
import { dropMembers, ONLY_PUBLIC, type OwnSchemas, readOwnSchemas } from "./own-schemas.ts";
import { type TransactionStep, treatStatement } from "./plan-statement.ts";
import { type SqlStatement, splitStatements } from "./split-statements.ts";
import type { SqlFile } from "./sql-migration.ts";
import { readString, type SqlToken, sqlTokens } from "./sql-tokens.ts";

/** A statement that is run. */
export interface PlannedStatement extends SqlStatement {
  readonly step: TransactionStep | undefined;
}

/** What running a file will mean, known from reading it. */
export interface SqlFilePlan {
  readonly file: string;
  readonly statements: readonly PlannedStatement[];
  /** Extensions that must be there before it runs. */
  readonly extensions: readonly WantedExtension[];
  /** Whether all of it can be one transaction. */
  readonly oneTransaction: boolean;
  /** What is left out, and why: `file:line: …`. */
  readonly notices: readonly string[];
  /** The history's schemas when it has run. */
  readonly schemas: OwnSchemas;
}

export interface WantedExtension {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** Not asked for in a DO block, which may be prepared for its absence. */
  readonly required: boolean;
}

/**
 * Reads a file and decides what becomes of each statement.
 *
 * @param before the schemas of the files before it
 * @throws MigrationFileError with file and line
 */
export async function planSqlFile({ file, sql }: SqlFile, before = ONLY_PUBLIC): Promise<SqlFilePlan> {
  const own = readOwnSchemas(file, before);
  const kept: PlannedStatement[] = [];
  const extensions: WantedExtension[] = [];
  const notices: string[] = [];
  const skip = ({ line }: SqlStatement, reason: string): void => {
    notices.push(`${file}:${line}: left out, because ${reason}`);
  };
  for (const statement of await splitStatements(file, sql)) {
    own.read(statement);
    const treatment = treatStatement(statement, own.schemas.names);
    switch (treatment.kind) {
      case "refuse":
        throw new MigrationFileError(file, `this statement is not allowed: ${treatment.reason}`, statement.line);
      case "skip":
        skip(statement, treatment.reason);
        break;
      case "extension":
        extensions.push({ name: treatment.name, file, line: statement.line, required: true });
        break;
      case "empty":
        kept.push({ ...statement, sql: dropMembers(own.schemas, treatment.schemas), type: "DoStmt", step: undefined });
        break;
      case "transaction":
        kept.push({ ...statement, step: treatment.step });
        break;
      case "run":
        if (statement.type === "DoStmt") {
          for (const name of await extensionsInBlock(statement.sql)) {
            extensions.push({ name, file, line: statement.line, required: false });
          }
        }
        kept.push({ ...statement, sql: await blockingForm(statement), step: undefined });
    }
  }
  const statements = withoutFrame(kept);
  const ownTransactions = statements.some(({ step }) => step !== undefined && step !== "savepoint");
  const oneTransaction = !ownTransactions && !(await anyNeedsNoTransaction(statements)) && !usesAddedValue(statements);
  return { file, statements, extensions, oneTransaction, notices, schemas: own.schemas };
}

/** A BEGIN first and a COMMIT last say what is done anyway. */
function withoutFrame(statements: readonly PlannedStatement[]): readonly PlannedStatement[] {
  const first = statements.findIndex(({ type }) => type !== "VariableSetStmt");
  const begin = statements[first];
  const last = statements.at(-1);
  if (begin?.step !== "begin" || begin.fields["options"] !== undefined) return statements;
  if (last?.step !== "commit" || last.fields["chain"] === true) return statements;
  const inside = statements.filter((statement) => statement !== begin && statement !== last);
  return inside.some(({ step }) => step !== undefined && step !== "savepoint") ? statements : inside;
}

async function anyNeedsNoTransaction(statements: readonly PlannedStatement[]): Promise<boolean> {
  for (const statement of statements) if (await needsNoTransaction(statement)) return true;
  return false;
}

/** `create extension if not exists x` in a DO block; the tenant's role may not create one, but may find it there. */
async function extensionsInBlock(sql: string): Promise<string[]> {
  if (!/\bextension\b/i.test(sql)) return [];
  const found: string[] = [];
  const texts = [sql];
  for (let text = texts.pop(); text !== undefined; text = texts.pop()) {
    const tokens: readonly SqlToken[] = (await sqlTokens(text)) ?? [];
    for (const [index, token] of tokens.entries()) {
      const inner = token.kind === "string" ? readString(token.raw)?.value : undefined;
      if (inner !== undefined && /\bextension\b/i.test(inner)) texts.push(inner);
      if (token.word !== "extension" || tokens[index - 1]?.word !== "create") continue;
      const named = tokens[tokens[index + 1]?.word === "if" ? index + 4 : index + 1];
      if (named !== undefined && named.kind !== "sign" && named.kind !== "string") found.push(named.word);
    }
  }
  return found;
}
