import { parse, scan } from "libpg-query";
import { listOf, nameParts, nodeOf, textOf, visit } from "../statement-risk/syntax-tree.ts";
import { quoteIdentifier } from "../quote-identifier.ts";

/** A place in an expression's text that names something; positions are bytes of its UTF-8. */
interface Mention {
  readonly kind: "column" | "relation" | "function" | "type";
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** One SQL expression and what it names. */
export interface Expression {
  readonly text: string;
  readonly mentions: readonly Mention[];
}

/** The text is not one SQL expression. */
export class ExpressionSyntaxError extends Error {
  override readonly name = "ExpressionSyntaxError";
}

const OPENING = "select (";

/**
 * Reads an expression with PostgreSQL's own grammar. A `select` without parentheses is taken as a subquery. Columns are
 * named bare, or with `table`'s name when the expression reads no table of that name itself.
 *
 * @throws ExpressionSyntaxError
 */
export async function parseExpression(text: string, table?: string): Promise<Expression> {
  const sql = `${OPENING}${text}\n)`;
  const tree = await parse(sql).catch((error: unknown) => {
    throw new ExpressionSyntaxError(error instanceof Error ? error.message : String(error), { cause: error });
  });
  const value = onlyValue(tree.stmts ?? []);
  if (value === undefined) throw new ExpressionSyntaxError("it is not one expression");
  const { tokens } = await scan(sql);
  const ends = new Map(tokens.map((token, index) => [token.start, index]));
  const read = new Set<string>();
  const common = new Set<string>();
  visit(value, (type, fields) => {
    if (type === "CommonTableExpr") common.add(textOf(fields["ctename"]));
    if (type !== "RangeVar") return;
    const alias = fields["alias"] as { aliasname?: string } | undefined;
    read.add(alias?.aliasname ?? textOf(fields["relname"]));
  });
  const mentions: Mention[] = [];
  const mention = (kind: Mention["kind"], name: string, location: unknown, parts: number): void => {
    const first = typeof location === "number" ? ends.get(location) : undefined;
    const from = first === undefined ? undefined : tokens[first];
    // A qualified name has a dot between its parts.
    const to = first === undefined ? undefined : tokens[first + (parts - 1) * 2];
    if (from === undefined || to === undefined) return;
    mentions.push({ kind, name, start: from.start - OPENING.length, end: to.end - OPENING.length });
  };
  visit(value, (type, fields) => {
    if (type === "ColumnRef") {
      const parts = listOf(fields["fields"]).map((part) => textOf(nodeOf(part)?.fields["sval"]));
      const [first = "", second = ""] = parts;
      if (parts.length === 1 && first !== "") mention("column", first, fields["location"], 1);
      else if (parts.length === 2 && second !== "" && first === table && !read.has(first)) {
        mention("column", second, fields["location"], 2);
      }
    } else if (type === "RangeVar" && fields["schemaname"] === undefined && !common.has(textOf(fields["relname"]))) {
      mention("relation", textOf(fields["relname"]), fields["location"], 1);
    } else if (type === "FuncCall") {
      const parts = nameParts(fields["funcname"]);
      if (parts.length === 1 && parts[0] !== undefined) mention("function", parts[0], fields["location"], 1);
    } else if (type === "TypeCast") {
      // A type's name is a plain field, not a node.
      const named = fields["typeName"] as { names?: unknown; location?: number } | undefined;
      const parts = nameParts(named?.names);
      if (parts.length === 1 && parts[0] !== undefined) mention("type", parts[0], named?.location, 1);
    }
  });
  return { text, mentions: mentions.toSorted((a, b) => a.start - b.start) };
}

/** The column names that an expression mentions. */
export function columnsOf(expression: Expression): string[] {
  return [...new Set(expression.mentions.filter(({ kind }) => kind === "column").map(({ name }) => name))];
}

/** What stands in an expression in place of a name; undefined leaves the name as it is. */
export type Replacement = (mention: { kind: Mention["kind"]; name: string }) => string | undefined;

export function rewriteExpression({ text, mentions }: Expression, replace: Replacement): string {
  const bytes = Buffer.from(text, "utf8");
  const parts: string[] = [];
  let done = 0;
  for (const mention of mentions) {
    const replacement = replace(mention);
    if (replacement === undefined || mention.start < done) continue;
    parts.push(bytes.subarray(done, mention.start).toString("utf8"), replacement);
    done = mention.end;
  }
  parts.push(bytes.subarray(done).toString("utf8"));
  return parts.join("");
}

/** Puts other expressions, in parentheses, in place of columns. */
export async function composeExpression(
  text: string,
  table: string,
  inner: (column: string) => string | undefined,
): Promise<string> {
  return rewriteExpression(await parseExpression(text, table), ({ kind, name }) => {
    if (kind !== "column") return undefined;
    const replacement = inner(name);
    // A bare name needs no parentheses, and `excluded.x`-like positions don't occur in an expression.
    return replacement === undefined || /^"(?:[^"]|"")+"$/.test(replacement) ? replacement : `(${replacement}\n)`;
  });
}

/** Puts quoted names in place of the columns of an expression. */
export async function renameColumns(text: string, names: ReadonlyMap<string, string>): Promise<string> {
  return rewriteExpression(await parseExpression(text), ({ kind, name }) => {
    const other = kind === "column" ? names.get(name) : undefined;
    return other === undefined ? undefined : quoteIdentifier(other);
  });
}

function onlyValue(statements: readonly { stmt?: unknown }[]): unknown {
  const [only, ...others] = statements;
  const select = nodeOf(only?.stmt);
  if (others.length > 0 || select?.type !== "SelectStmt") return undefined;
  const { targetList, limitOption, op, ...rest } = select.fields;
  const [target, ...more] = listOf(targetList);
  const result = nodeOf(target);
  if (Object.keys(rest).length > 0 || more.length > 0 || result?.fields["name"] !== undefined) return undefined;
  return limitOption === "LIMIT_OPTION_DEFAULT" && op === "SETOP_NONE" ? result?.fields["val"] : undefined;
}
