import { assessStatements } from "../../statement-risk/assess-statements.ts";
import { strongest } from "../../statement-risk/statement-risk.ts";
import type { ReleaseFinding } from "./release-validation.ts";

/** What is to be known of an author's own SQL. What is no SQL has nothing: the operation itself is refused. */
export async function sqlFindings(where: string, sql: string): Promise<ReleaseFinding[]> {
  const risks = await assessStatements(sql).catch(() => []);
  return risks.flatMap((statement) => {
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
}
