import { assessStatements } from "../../statement-risk/assess-statements.ts";
import { strongest } from "../../statement-risk/statement-risk.ts";
import type { ReleaseFinding } from "./release-validation.ts";

/** Statements that rows which are there make no difference to. */
const OF_STRUCTURE_ALONE = /^(Create|Comment|View|Define|Grant|CompositeType|AlterEnum|Drop|VariableSet)/;

/** What is to be known of an author's own SQL. What is no SQL has nothing: the operation itself is refused. */
export async function sqlFindings(where: string, sql: string): Promise<ReleaseFinding[]> {
  const risks = await assessStatements(sql).catch(() => []);
  const rowsMatter = risks.filter(({ kind }) => !OF_STRUCTURE_ALONE.test(kind));
  const untried = rowsMatter.map(({ line, statement }): ReleaseFinding => ({
    code: "rows-not-checked",
    severity: "note",
    message:
      `${where}, line ${line}: it was tried on empty tables. What it does to the rows that are there, and whether it fails for one, ` +
      `shows only when it is run. The statement is: ${statement}`,
    where,
  }));
  const risky = risks.flatMap((statement) => {
    const lock = strongest(statement.effects);
    return statement.findings.map(({ message, safer }): ReleaseFinding => ({
      code: "sql-risk",
      severity: "warning",
      message:
        `${where}, line ${statement.line}: ${message}${safer === undefined ? "" : ` ${safer}`}` +
        `${lock === undefined ? "" : ` (${lock})`} The statement is: ${statement.statement}`,
      where,
      statement,
    }));
  });
  return [...risky, ...untried];
}
