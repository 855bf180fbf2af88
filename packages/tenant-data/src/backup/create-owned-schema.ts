import type { ClientBase } from "pg";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { withSettings } from "../with-settings.ts";
import type { BackupManifest } from "./backup-manifest.ts";
import type { DefinitionPlace } from "./run-definitions.ts";

const KINDS = { r: "tables", S: "sequences", f: "functions", T: "types" } as const;

/**
 * Makes a schema, if it is not there, with the rights, default rights and comment of the one that was backed up. Gives
 * the statements that it left out, since they name missing roles.
 */
export async function createOwnedSchema(
  client: ClientBase,
  { schema, owner }: DefinitionPlace,
  saved: BackupManifest["schema"],
  missing: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const name = quoteIdentifier(schema);
  const to = ({ grantee, grantable }: { grantee: string | null; grantable: boolean }): string =>
    `to ${grantee === null ? "public" : quoteIdentifier(grantee)}${grantable ? " with grant option" : ""}`;
  const rights = (saved.rights ?? []).map((right) => ({
    roles: [right.grantee],
    statement: `grant ${right.privilege} on schema ${name} ${to(right)}`,
  }));
  const defaults = saved.defaultRights.map((right) => {
    const role = right.role === saved.owner ? owner : right.role;
    const rest = `grant ${right.privilege} on ${KINDS[right.kind]} ${to(right)}`;
    return {
      roles: [right.grantee, role],
      statement: `alter default privileges for role ${quoteIdentifier(role)} in schema ${name} ${rest}`,
    };
  });
  const leftOut: string[] = [];
  await client.query(`create schema if not exists ${name} authorization ${quoteIdentifier(owner)}`);
  await withSettings(client, { role: owner }, async () => {
    if (saved.rights !== null) await client.query(`revoke all on schema ${name} from public`);
    if (saved.comment !== null) await client.query(`comment on schema ${name} is ${quoteLiteral(saved.comment)}`);
    for (const { roles, statement } of [...rights, ...defaults]) {
      if (roles.some((role) => role !== null && missing.has(role))) leftOut.push(statement);
      else await client.query(statement);
    }
  });
  return leftOut;
}
