import type { ContentQuery } from "../fingerprint/schema-contents.ts";
import { isNotOfExtension } from "../live-objects.ts";

/** What a statement makes, which decides when it can run. */
export type DefinitionKind =
  | "type"
  | "sequence"
  | "table"
  | "attachment"
  | "identity"
  | "function"
  | "default"
  | "key"
  | "check"
  | "validation"
  | "foreign key"
  | "index"
  | "index attachment"
  | "view"
  | "materialized view"
  | "materialized view index"
  | "rule"
  | "trigger"
  | "policy"
  | "statistics"
  | "setting"
  | "comment"
  | "grant";

/** A query that makes statements of one kind: rows (key, statement), in which $1 is the schema's name as a literal. */
export interface DefinitionQuery extends ContentQuery {
  readonly kind: DefinitionKind;
}

/** An object's name among all objects: its catalog's number and its own. Statements without one are nobody's need. */
export function keyOf(catalog: string, oid: string): string {
  return `'${catalog}'::regclass::oid || ':' || ${oid}`;
}

/** Relations of the schema, without those of extensions. */
export const RELATIONS = `pg_class c join pg_namespace n on n.oid = c.relnamespace
  and n.nspname = $1 and ${isNotOfExtension("pg_class", "c.oid")}`;

/** A name in a definition's head is always qualified; the copy's must not be. `head` is what stands before it. */
export function withoutSchema(definition: string, head: string): string {
  const pattern = `'^(${head})' || regexp_replace(quote_ident($1), '([^\\w])', '\\\\\\1', 'g') || '\\.'`;
  return `regexp_replace(${definition}, ${pattern}, '\\1')`;
}
