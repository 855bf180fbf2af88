import type { ClientBase } from "pg";
import { readStructure } from "../fingerprint/read-structure.ts";
import { isNotDerived, isNotOfExtension } from "../live-objects.ts";
import { queryAll } from "../query-all.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { CopyUnsupportedError } from "../schema-copy/copy-unsupported-error.ts";
import { moveNames, namingPattern } from "../schema-copy/move-names.ts";
import { type Definition, readDefinitions } from "../schema-copy/read-definitions.ts";
import { FORMAT_VERSION } from "./backup-format.ts";
import type { BackupManifest } from "./backup-manifest.ts";

/** Everything that a manifest says of a schema, in the caller's snapshot, with the schema as the search path. */
export async function readSchema(
  client: ClientBase,
  schema: string,
): Promise<Omit<BackupManifest, "compression" | "signed" | "metadata">> {
  const facts = await readFacts(client, schema);
  const { beforeData, afterData } = await readDefinitions(client, schema);
  facts.schema.namedIn.push(...(await namingStatements(schema, [...beforeData, ...afterData])));
  return {
    format: "aibos-backup",
    version: FORMAT_VERSION,
    ...facts,
    tables: await readTables(client, schema),
    statements: {
      beforeData: beforeData.map(({ statement }) => statement),
      afterData: afterData.map(({ statement }) => statement),
    },
    structure: await readStructure(client, schema),
    // Last, since positions move whatever the snapshot: a position is never behind the rows.
    sequences: await readSequences(client, schema),
  };
}

/** Definitions that have the schema's name in a text, where PostgreSQL knows nothing of it. */
async function namingStatements(schema: string, definitions: readonly Definition[]): Promise<string[]> {
  const named = namingPattern(schema);
  const naming: string[] = [];
  for (const { kind, statement } of definitions) {
    if (kind === "comment" || kind === "function" || !named.test(statement)) continue;
    if (named.test(await moveNames(statement, { from: schema, to: "_" }))) naming.push(statement.slice(0, 100));
  }
  return naming;
}

type Facts = Pick<BackupManifest, "createdAt" | "postgres" | "schema" | "roles">;

async function readFacts(client: ClientBase, schema: string): Promise<Facts> {
  const { rows } = await client.query<Facts>(
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "createdAt",
       jsonb_build_object('version', current_setting('server_version'),
         'major', current_setting('server_version_num')::int / 10000,
         'encoding', current_setting('server_encoding')) as postgres,
       jsonb_build_object('name', n.nspname, 'owner', pg_get_userbyid(n.nspowner),
         'comment', obj_description(n.oid, 'pg_namespace'),
         'rights', case when n.nspacl is not null then (
           select coalesce(jsonb_agg(jsonb_build_object('grantee', pg_get_userbyid(nullif(a.grantee, 0)),
             'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]')
           from aclexplode(n.nspacl) a where a.grantee <> n.nspowner) end,
         'defaultRights', (select coalesce(jsonb_agg(jsonb_build_object('role', pg_get_userbyid(d.defaclrole),
             'kind', d.defaclobjtype, 'grantee', pg_get_userbyid(nullif(a.grantee, 0)), 'privilege', a.privilege_type,
             'grantable', a.is_grantable)), '[]')
           from pg_default_acl d cross join lateral aclexplode(d.defaclacl) a where d.defaclnamespace = n.oid),
         'namedIn', (select coalesce(jsonb_agg(p.oid::regprocedure::text order by p.oid), '[]') from pg_proc p
           where p.pronamespace = n.oid and ${isNotDerived("p.proname")} and ${isNotOfExtension("pg_proc", "p.oid")}
             and position(n.nspname in coalesce(p.prosrc, '') || coalesce(array_to_string(p.proconfig, ' '), '')) > 0)
       ) as schema,
       array(select distinct r.rolname::text from (
           select a.grantee as role from aclexplode(n.nspacl) a
           union select a.grantee from pg_class c, aclexplode(c.relacl) a where c.relnamespace = n.oid
           union select a.grantee from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
             where c.relnamespace = n.oid
           union select a.grantee from pg_proc p, aclexplode(p.proacl) a where p.pronamespace = n.oid
           union select a.grantee from pg_type t, aclexplode(t.typacl) a where t.typnamespace = n.oid
           union select unnest(array[a.grantee, d.defaclrole]) from pg_default_acl d, aclexplode(d.defaclacl) a
             where d.defaclnamespace = n.oid
           union select unnest(p.polroles) from pg_policy p join pg_class c on c.oid = p.polrelid
             where c.relnamespace = n.oid
         ) named join pg_roles r on r.oid = named.role
         where r.oid <> n.nspowner or r.oid in (select unnest(p.polroles) from pg_policy p
           join pg_class c on c.oid = p.polrelid where c.relnamespace = n.oid)
         order by 1) as roles
     from pg_namespace n where n.nspname = $1`,
    [schema],
  );
  const [row] = rows;
  if (row === undefined) throw new CopyUnsupportedError(schema, ["there is no such schema"]);
  return row;
}

/** Tables that have rows of their own, with the columns that are stored as they were given. */
async function readTables(client: ClientBase, schema: string): Promise<BackupManifest["tables"]> {
  const { rows } = await client.query<BackupManifest["tables"][number]>(
    `select c.relname as name,
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
         and not a.attisdropped and a.attgenerated = '' order by a.attnum) as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'r' and ${isNotOfExtension("pg_class", "c.oid")}
     order by c.relname collate "C"`,
    [schema],
  );
  return rows;
}

async function readSequences(client: ClientBase, schema: string): Promise<BackupManifest["sequences"]> {
  const { rows: names } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'S' and ${isNotOfExtension("pg_class", "c.oid")}
     order by c.relname collate "C"`,
    [schema],
  );
  const states = await queryAll(
    client,
    names.map(
      ({ name }) => `select last_value::text as "lastValue", is_called as "isCalled"
        from ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
    ),
  );
  return names.flatMap(({ name }, index) => {
    const rows: { lastValue: string; isCalled: boolean }[] = states[index]?.rows ?? [];
    return rows.map((state) => ({ name, ...state }));
  });
}
