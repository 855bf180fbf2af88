import type { ClientBase } from "pg";

/** Whether the session may make schemas itself, and so in its own transaction. */
export async function mayCreateSchemas(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    "select has_database_privilege(current_database(), 'create') as may",
  );
  return rows[0]?.may === true;
}
