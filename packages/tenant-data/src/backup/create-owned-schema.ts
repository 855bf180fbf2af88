import type { ClientBase } from "pg";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { withSettings } from "../with-settings.ts";
import type { BackupManifest } from "./backup-manifest.ts";
import type { DefinitionPlace } from "./run-definitions.ts";

const KINDS = { r: "tables", S: "sequences", f: "functions", T: "types" } as const;

/**
 * Makes a schema, if it is not there, with the rights and comment of the one that was backed up. Gives the statements
 * that it left out, since they name missing roles.
 */
export async function createOwnedSchema(
  client: ClientBase,
  { schema, owner }: DefinitionPlace,
  { rights, comment }: BackupManifest["schema"],
  missing: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const name = quoteIdentifier(schema);
  await client.query(`create schema if not exists ${name} authorization ${quoteIdentifier(owner)}`);
  return withSettings(client, { role: owner }, async () => {
    if (rights !== null) await client.query(`revoke all on schema ${name} from public`);
    if (comment !== null) await client.query(`comment on schema ${name} is ${quoteLiteral(comment)}`);
    const statements = (rights ?? []).map((right) => ({
      roles: [right.grantee],
      statement: `grant ${right.privilege} on schema ${name} ${receiver(right)}`,
    }));
    return runUnlessMissing(client, statements, missing);
  });
}

/** Gives the default rights, when nothing more is made that would get them. The same about missing roles. */
export async function setDefaultRights(
  client: ClientBase,
  { schema, owner }: DefinitionPlace,
  saved: BackupManifest["schema"],
  missing: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const statements = saved.defaultRights.map((right) => {
    const role = right.role === saved.owner ? owner : right.role;
    const place = `for role ${quoteIdentifier(role)} in schema ${quoteIdentifier(schema)}`;
    const grant = `grant ${right.privilege} on ${KINDS[right.kind]} ${receiver(right)}`;
    return { roles: [right.grantee, role], statement: `alter default privileges ${place} ${grant}` };
  });
  return withSettings(client, { role: owner }, () => runUnlessMissing(client, statements, missing));
}

function receiver({ grantee, grantable }: { grantee: string | null; grantable: boolean }): string {
  return `to ${grantee === null ? "public" : quoteIdentifier(grantee)}${grantable ? " with grant option" : ""}`;
}

async function runUnlessMissing(
  client: ClientBase,
  statements: readonly { roles: readonly (string | null)[]; statement: string }[],
  missing: ReadonlySet<string>,
): Promise<string[]> {
  const leftOut: string[] = [];
  for (const { roles, statement } of statements) {
    if (roles.some((role) => role !== null && missing.has(role))) leftOut.push(statement);
    else await client.query(statement);
  }
  return leftOut;
}
