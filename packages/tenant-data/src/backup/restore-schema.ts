import { type ClientBase, DatabaseError } from "pg";
import { differencesOf } from "../fingerprint/describe-difference.ts";
import { readStructure, type StructureLine } from "../fingerprint/read-structure.ts";
import { LiveStateUnreadable } from "../live/check-live-state.ts";
import { rebuildLiveVersions } from "../live/rebuild-live-versions.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { withSettings } from "../with-settings.ts";
import type { BackupManifest } from "./backup-manifest.ts";
import { BackupNotRestorableError } from "./backup-not-restorable-error.ts";
import { BackupUnusableError } from "./backup-unusable-error.ts";
import type { ByteReader } from "./byte-reader.ts";
import { DefinitionNotAllowed } from "./check-definition.ts";
import { copyRowsIn, tablesRunningCode } from "./copy-rows-in.ts";
import { createOwnedSchema, setDefaultRights } from "./create-owned-schema.ts";
import { type BackupTable, readTables } from "./read-backup.ts";
import { DefinitionFailed, runDefinitions } from "./run-definitions.ts";

export interface RestorePlace {
  /** Must not be there, or be empty and the owner's. */
  readonly schema: string;
  /** A role that is there; everything will be its own. */
  readonly owner: string;
  /** What becomes of rights of roles that are not here: refused (the default), or left out and named in the result. */
  readonly missingRoles?: "refuse" | "leave-out";
  /** The schema whose name it will have before it is used: functions whose text names that are then right. */
  readonly standsInFor?: string;
}

interface Restore {
  readonly reader: ByteReader;
  readonly manifest: BackupManifest;
  readonly request: RestorePlace & { readonly key?: Parameters<typeof readTables>[2] };
}

/** SQLSTATE classes that speak of what is restored: data, rights, syntax, limits, features that this server lacks. */
const OF_THE_BACKUP = /^(0A|22|23|2B|42|44|54|P0)/;

/** Makes everything of a backup in the caller's transaction, and compares it with what was backed up. */
export async function restoreSchema(
  client: ClientBase,
  restore: Restore,
): Promise<{ tables: BackupTable[]; leftOut: string[] }> {
  const { request, reader } = restore;
  const start = reader.offset;
  try {
    return await restoreAll(client, restore);
  } catch (error) {
    if (error instanceof DefinitionNotAllowed) {
      throw new BackupUnusableError("statement not allowed", error.message, start, { cause: error });
    }
    if (error instanceof LiveStateUnreadable) {
      throw new BackupNotRestorableError(request.schema, `${error.message}.`, { cause: error });
    }
    if (error instanceof DefinitionFailed || (error instanceof DatabaseError && OF_THE_BACKUP.test(error.code ?? ""))) {
      const server = await serverVersion(client, restore.manifest);
      throw new BackupNotRestorableError(
        request.schema,
        `PostgreSQL refuses a part of it: ${error.message}.${server}`,
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}

async function restoreAll(
  client: ClientBase,
  { reader, manifest, request }: Restore,
): Promise<{ tables: BackupTable[]; leftOut: string[] }> {
  const place = { schema: request.schema, owner: request.owner, from: manifest.schema.name };
  const session = await sessionOf(client);
  const missing = await checkPlace(client, manifest, request);
  const leftOut = await createOwnedSchema(client, place, manifest.schema, missing);
  await runDefinitions(client, place, manifest.statements.beforeData);
  const running = await tablesRunningCode(client, place.schema);
  const tables = await withSettings(client, { role: place.owner }, async () => {
    const copied = await readTables(reader, manifest, request.key, (table, rows) =>
      copyRowsIn(client, place, { table, runsCode: running.has(table.name) }, rows),
    );
    await setSequences(client, place.schema, manifest.sequences);
    return copied;
  });
  const isRight = (statement: string): boolean => missing.size > 0 && statement.startsWith("grant ");
  leftOut.push(...(await runDefinitions(client, place, manifest.statements.afterData, isRight)));
  leftOut.push(...(await setDefaultRights(client, place, manifest.schema, missing)));
  if ((await sessionOf(client)) !== session) {
    throw new BackupUnusableError("statement not allowed", "it changed the role or the search_path", 0);
  }
  await compare(client, manifest, request, leftOut);
  await rebuildLiveVersions(client, place.schema);
  return { tables, leftOut };
}

/** Gives the roles that are not here. @throws BackupNotRestorableError when there is no place for it */
async function checkPlace(
  client: ClientBase,
  manifest: BackupManifest,
  { schema, owner, missingRoles = "refuse", standsInFor = schema }: RestorePlace,
): Promise<Set<string>> {
  const { rows } = await client.query<{ owned: boolean | null; used: boolean; owner: boolean; missing: string[] }>(
    `select (select pg_get_userbyid(nspowner) = $2 from pg_namespace where nspname = $1) as owned,
       exists (select from pg_depend d join pg_namespace n on n.oid = d.refobjid and n.nspname = $1
         where d.refclassid = 'pg_namespace'::regclass) as used,
       exists (select from pg_roles where rolname = $2) as owner,
       array(select r from unnest($3::text[]) r where not exists (select from pg_roles where rolname = r)) as missing`,
    [schema, owner, manifest.roles],
  );
  const [facts] = rows;
  const refuse = (reason: string): never => {
    throw new BackupNotRestorableError(schema, reason);
  };
  if (facts === undefined || !facts.owner) return refuse(`there is no role ${owner} to own it. Create the role first.`);
  if (facts.used) return refuse("the schema is there and not empty. Give another name, or drop what is there.");
  if (facts.owned === false) return refuse(`the schema is there and not ${owner}'s. Give another name or owner.`);
  const { name, namedIn } = manifest.schema;
  if (namedIn.length > 0 && name !== standsInFor) {
    return refuse(`${namedIn.join(", ")} has the name ${name} in its text. Restore it under that name.`);
  }
  if (facts.missing.length > 0 && missingRoles === "refuse") {
    return refuse(
      `its rights and policies name roles that are not here: ${facts.missing.join(", ")}. Create them, or leave the ` +
        "rights of missing roles out.",
    );
  }
  return new Set(facts.missing);
}

async function setSequences(client: ClientBase, schema: string, sequences: BackupManifest["sequences"]): Promise<void> {
  const saved = sequences.map((sequence) => ({
    ...sequence,
    name: `${quoteIdentifier(schema)}.${quoteIdentifier(sequence.name)}`,
  }));
  await client.query(
    `select setval(s.name::regclass, s."lastValue"::bigint, s."isCalled")
     from jsonb_to_recordset($1) as s (name text, "lastValue" text, "isCalled" boolean)`,
    [JSON.stringify(saved)],
  );
}

/**
 * Sees that nothing was lost on the way. Another major writes definitions in another
 * way: there only the objects themselves are compared.
 */
async function compare(
  client: ClientBase,
  manifest: BackupManifest,
  { schema, owner }: RestorePlace,
  leftOut: readonly string[],
): Promise<void> {
  const { rows } = await client.query<{ major: number }>(
    "select current_setting('server_version_num')::int / 10000 as major",
  );
  const same = rows[0]?.major === manifest.postgres.major && leftOut.length === 0;
  const owners = new Set([owner, manifest.schema.owner].map((name) => JSON.stringify(name)));
  const before = manifest.structure.flatMap((line) => comparable(line, same, owners));
  const after = (await readStructure(client, schema)).flatMap((line) => comparable(line, same, owners));
  const differences = [...differencesOf(before, after)];
  if (differences.length === 0) return;
  throw new BackupNotRestorableError(
    schema,
    `what was made is not what was backed up: ${differences.slice(0, 5).join("; ")}. Restore it into PostgreSQL ` +
      `${manifest.postgres.major}, where it comes from, and report this.`,
  );
}

function comparable(
  { object, definition }: StructureLine,
  same: boolean,
  owners: ReadonlySet<string>,
): StructureLine[] {
  // Named by a role, who may be another or left out.
  if (object.startsWith("default rights ") && (!same || owners.size > 1)) return [];
  // "not null" is an object of its own since PostgreSQL 18, and a column's property before.
  if (!same)
    return object.startsWith("constraint ") && definition.startsWith('["n"') ? [] : [{ object, definition: "" }];
  return [
    {
      object,
      definition: definition.replaceAll(/"(?:[^"\\]|\\.)*"/g, (text) => (owners.has(text) ? '"the owner"' : text)),
    },
  ];
}

/** The role and search path of the session, which nothing in a backup may change. */
async function sessionOf(client: ClientBase): Promise<string> {
  const { rows } = await client.query<{ session: string }>(
    "select current_user || ' ' || current_setting('role') || ' ' || current_setting('search_path') as session",
  );
  return rows[0]?.session ?? "";
}

/** What to say of the server where the reason may be that it is another one. */
async function serverVersion(client: ClientBase, { postgres }: BackupManifest): Promise<string> {
  // The transaction is aborted: what the server said when the session began is all there is.
  await client.query("rollback");
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version");
  const here = rows[0]?.version ?? "unknown";
  if (here === postgres.version) return "";
  return ` It was written by PostgreSQL ${postgres.version}, and this is ${here}: restore it into the same major.`;
}
