import { escapeIdentifier, escapeLiteral } from "pg";

/** Runs `work` in a transaction that reaches this tenant's tables and nothing else. */
export async function inTenant(pool, { role, schema, views, dataVersion }, work) {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query("begin");
    await client.query(`set local role ${escapeIdentifier(role)}`);
    await client.query(`set local search_path to ${escapeIdentifier(views)}, ${escapeIdentifier(schema)}, pg_temp`);
    await client.query(`set local aibos.version to ${escapeLiteral(dataVersion)}`);
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
