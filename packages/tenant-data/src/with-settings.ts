import type { ClientBase } from "pg";

/** Runs work under other settings of the session, in the caller's transaction, and puts the old ones back. */
export async function withSettings<T>(
  client: ClientBase,
  settings: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  const names = Object.keys(settings);
  const { rows } = await client.query<{ name: string; value: string }>(
    "select name, current_setting(name, true) as value from unnest($1::text[]) as name",
    [names],
  );
  await set(client, settings);
  // After an error the transaction is aborted and takes the settings with it.
  const result = await work();
  await set(client, Object.fromEntries(rows.map((row) => [row.name, row.value])));
  return result;
}

async function set(client: ClientBase, settings: Readonly<Record<string, string>>): Promise<void> {
  const calls = Object.keys(settings).map((_, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, true)`);
  await client.query(`select ${calls.join(", ")}`, Object.entries(settings).flat());
}

/** Runs work as another role, which the session's role must be a member of. */
export async function asRole<T>(client: ClientBase, role: string, work: () => Promise<T>): Promise<T> {
  return withSettings(client, { role }, work);
}
