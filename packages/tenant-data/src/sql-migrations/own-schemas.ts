import { listOf, nameParts, nodeOf, textOf } from "../statement-risk/syntax-tree.ts";
import { type DefinedName, definedNames } from "./defined-names.ts";
import { MigrationFileError } from "./migration-file-error.ts";
import type { SqlStatement } from "./split-statements.ts";

/**
 * The schemas of a history, as far as it was read. A tenant's schema stands for all of them, `public` included, so a name
 * may be in one of them only.
 */
export interface OwnSchemas {
  readonly names: ReadonlySet<string>;
  /** What was made, by name, with the schema where the files see it. */
  readonly members: ReadonlyMap<string, string>;
}

export const ONLY_PUBLIC: OwnSchemas = { names: new Set(["public"]), members: new Map() };

/** Takes in the statements of a file, one after the other. */
export interface OwnSchemasReader {
  readonly schemas: OwnSchemas;
  /** @throws MigrationFileError when a name would have two meanings */
  read(statement: SqlStatement): void;
}

export function readOwnSchemas(file: string, before: OwnSchemas): OwnSchemasReader {
  const names = new Set(before.names);
  const members = new Map(before.members);

  function make({ kind, schema, name }: DefinedName, line: number): void {
    const key = `${kind} ${name}`;
    const other = members.get(key);
    if (other !== undefined && other !== schema && names.size > 1) {
      throw new MigrationFileError(
        file,
        `${schema}.${name} and ${other}.${name} would be the same: a tenant's data for a module is one schema, which ` +
          "stands for all that the files name. Give one of them another name",
        line,
      );
    }
    members.set(key, schema);
  }

  return {
    schemas: { names, members },
    read(statement) {
      const { type, fields, line } = statement;
      const schema = schemaMade(type, fields);
      if (schema !== "") names.add(schema);
      if (type === "DropStmt") for (const name of droppedNames(fields)) forget(members, name);
      if (type === "RenameStmt") forget(members, renamedName(fields));
      for (const defined of definedNames([statement])) make(defined, line);
    },
  };
}

/** A schema that a statement makes, or has an extension in. */
function schemaMade(type: string, fields: SqlStatement["fields"]): string {
  if (type === "CreateSchemaStmt") return textOf(fields["schemaname"]);
  if (type !== "CreateExtensionStmt") return "";
  const option = listOf(fields["options"])
    .map((one) => nodeOf(one)?.fields)
    .find((one) => one?.["defname"] === "schema");
  const name = nameParts([option?.["arg"]])[0] ?? "";
  return name === "pg_catalog" ? "" : name;
}

function droppedNames(fields: SqlStatement["fields"]): string[] {
  return listOf(fields["objects"]).map((object) => {
    const inner = nodeOf(object)?.fields ?? {};
    return nameParts(inner["items"] ?? inner["objname"] ?? inner["names"]).at(-1) ?? "";
  });
}

function renamedName({ relation }: SqlStatement["fields"]): string {
  return typeof relation === "object" && relation !== null && "relname" in relation ? textOf(relation.relname) : "";
}

function forget(members: Map<string, string>, name: string): void {
  for (const kind of ["relation", "type", "function"]) members.delete(`${kind} ${name}`);
}

/** Drops what is in a schema that the tenant's stands for, as `drop schema … cascade` would. One statement, on one line. */
export function dropMembers({ members }: OwnSchemas, schemas: readonly string[]): string {
  const names = [...members].flatMap(([key, schema]) =>
    schemas.includes(schema) ? [key.slice(key.indexOf(" ") + 1)] : [],
  );
  const list = names.map((name) => `'${name.replaceAll("'", "''")}'`).join(", ");
  const own = "n.oid = pg_catalog.to_regnamespace(pg_catalog.quote_ident(pg_catalog.current_schema()))";
  const named = `any (array[${list}]::text[])`;
  const queries = [
    `select format('drop %s %s cascade', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end, c.oid::regclass) as sql, c.oid, 'pg_class'::regclass as class from pg_class c join pg_namespace n on n.oid = c.relnamespace and ${own} where c.relkind in ('r', 'p', 'v', 'm', 'S') and c.relname = ${named}`,
    `select format('drop routine %s cascade', p.oid::regprocedure), p.oid, 'pg_proc'::regclass from pg_proc p join pg_namespace n on n.oid = p.pronamespace and ${own} where p.proname = ${named}`,
    `select format('drop type %s cascade', t.oid::regtype), t.oid, 'pg_type'::regclass from pg_type t join pg_namespace n on n.oid = t.typnamespace and ${own} where t.typname = ${named} and not exists (select from pg_class c where c.oid = t.typrelid and c.relkind <> 'c')`,
  ];
  const there = ["pg_class", "pg_proc", "pg_type"].map(
    (catalog) =>
      `(member.class = '${catalog}'::regclass and exists (select from ${catalog} o where o.oid = member.oid))`,
  );
  return `do $members$ declare member record; begin for member in ${queries.join(" union all ")} loop if ${there.join(" or ")} then execute member.sql; end if; end loop; end $members$`;
}
