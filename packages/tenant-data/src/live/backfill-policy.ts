import type { ClientBase } from "pg";
import { randomBytes } from "node:crypto";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import type { LiveVersion } from "./live-version.ts";

/** Carries the word that opens {@link addBackfillPolicies}'s policies to the transaction that fills rows. */
export const BACKFILL_KEY_SETTING = "aibos.backfill_key";
const POLICY = "aibos_backfill";

/**
 * Row-level security that is forced on the owner would hide rows from the engine, silently. While rows are filled a
 * policy lets in who knows a word made for it.
 */
export async function addBackfillPolicies(client: ClientBase, schema: string, version: LiveVersion): Promise<void> {
  for (const statement of await backfillPolicyStatements(client, schema, version)) await client.query(statement);
}

export async function backfillPolicyStatements(
  client: ClientBase,
  schema: string,
  version: LiveVersion,
): Promise<string[]> {
  const word = randomBytes(16).toString("hex");
  return (await forced(client, schema, version)).flatMap((relation) => {
    const table = `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`;
    const open = `current_setting('${BACKFILL_KEY_SETTING}', true) = ${quoteLiteral(word)}`;
    return [
      `drop policy if exists ${POLICY} on ${table}`,
      `create policy ${POLICY} on ${table} as permissive for all to current_user using (${open}) with check (${open})`,
    ];
  });
}

/** In SQL, the condition of the policy of table $2 in schema $1; null where there is none. */
export const BACKFILL_CONDITION = `(select pg_get_expr(p.polqual, p.polrelid) from pg_policy p
  join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = $2 and p.polname = '${POLICY}')`;

/** The word, for a transaction that fills rows; empty where no policy asks for one. */
export function keyIn(condition: string | null | undefined): string {
  return /'([0-9a-f]{32})'/.exec(condition ?? "")?.[1] ?? "";
}

export async function dropBackfillPolicies(client: ClientBase, schema: string): Promise<void> {
  for (const statement of await dropPolicyStatements(client, schema)) await client.query(statement);
}

export async function dropPolicyStatements(client: ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ relation: string }>(
    `select c.relname as relation from pg_policy p join pg_class c on c.oid = p.polrelid
       join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and p.polname = $2`,
    [schema, POLICY],
  );
  return rows.map(({ relation }) => `drop policy ${POLICY} on ${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`);
}

async function forced(client: ClientBase, schema: string, version: LiveVersion): Promise<string[]> {
  const { rows } = await client.query<{ relation: string }>(
    `select c.relname as relation from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = any ($2) and c.relforcerowsecurity and c.relrowsecurity`,
    [schema, version.backfill.relations],
  );
  return rows.map(({ relation }) => relation);
}
