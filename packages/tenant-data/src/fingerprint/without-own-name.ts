/**
 * A text of a structure without the schema's own name in front of names: PostgreSQL writes it where one of the system's
 * objects hides one of the schema's. The body of a function is as it was written. In texts in JSON a quote stands behind
 * a backslash, as does the n of a line's end.
 */
export function withoutOwnName(text: string, schema: string): string {
  if (!text.includes(schema)) return text;
  const body = text.indexOf("\\nAS $");
  if (body !== -1) return withoutOwnName(text.slice(0, body), schema) + text.slice(body);
  const name = schema.replaceAll(/[^\w]/g, "\\$&");
  return text.replaceAll(new RegExp(`(?<![\\w$.'])(?:\\\\"${name}\\\\"|"${name}"|${name})\\.(?=[\\w"\\\\])`, "g"), "");
}
