import { randomBytes } from "node:crypto";
import type { ClientBase } from "pg";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { scramVerifier } from "./scram-verifier.ts";

export type Queryable = Pick<ClientBase, "query">;

/** So long after it was given a password is good for connecting, in seconds. */
const VALID_SECONDS = 300;
/** So long a session that was ended is waited for. */
const GONE_MS = 60_000;
const POLL_MS = 20;

/**
 * Lets a tenant's role log in with a new password, which it returns, for five minutes. Passwords that were given before are
 * good for nothing any more. The server sees a verifier, never the password.
 *
 * Part of the caller's transaction: where processes may take over from each other, do it behind the fence.
 */
export async function allowTenantLogin(client: Queryable, role: string): Promise<string> {
  const password = randomBytes(24).toString("base64url");
  const name = quoteIdentifier(role);
  const { rows } = await client.query<{ until: string }>(
    `select (clock_timestamp() + make_interval(secs => ${VALID_SECONDS}))::text as until`,
  );
  // A file could have left settings for the next login of its role.
  await client.query(`alter role ${name} reset all`);
  await client.query(
    `alter role ${name} login password ${quoteLiteral(scramVerifier(password))} valid until ${quoteLiteral(rows[0]?.until ?? "")}`,
  );
  return password;
}

/** Takes the right to log in back. Sessions that are there go on: see {@link endTenantSessions}. */
export async function denyTenantLogin(client: Queryable, role: string): Promise<void> {
  await client.query(`alter role ${quoteIdentifier(role)} nologin password null`);
}

/**
 * Ends every session that logged in as a tenant's role and waits until all are gone: whatever a process that died was
 * at, it runs no statement and commits nothing after that.
 */
export async function endTenantSessions(client: Queryable, role: string): Promise<void> {
  const until = performance.now() + GONE_MS;
  for (;;) {
    const { rows } = await client.query<{ pid: number }>(
      "select pid, pg_terminate_backend(pid) from pg_stat_activity where usename = $1",
      [role],
    );
    if (rows.length === 0) return;
    if (performance.now() > until) {
      throw new Error(`Sessions ${rows.map(({ pid }) => pid).join(", ")} of role ${role} do not end.`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
