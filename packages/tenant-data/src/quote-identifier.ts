/**
 * Quotes a name for SQL. The one place that does.
 *
 * @throws RangeError for a name that PostgreSQL could not hold: empty, with a NUL, or longer than 63 bytes (which it
 *   would cut silently, so that two names could become one)
 */
export function quoteIdentifier(name: string): string {
  const bytes = Buffer.byteLength(name, "utf8");
  if (bytes === 0 || bytes > 63 || name.includes("\0")) {
    throw new RangeError(
      `${JSON.stringify(name.slice(0, 80))} can't be an SQL name: it must have 1 to 63 bytes and no NUL.`,
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a text for SQL, for statements that take no parameters. @throws RangeError when it holds a NUL */
export function quoteLiteral(text: string): string {
  if (text.includes("\0")) throw new RangeError("A text with a NUL can't be written in SQL.");
  const quoted = `'${text.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return text.includes("\\") ? `E${quoted}` : quoted;
}
