import pg from "pg";
import { allowTenantLogin, denyTenantLogin, endTenantSessions, type Queryable } from "./tenant-login.ts";
import type { TenantPlace } from "./tenant-schema.ts";
import { tenantSearchPath } from "./tenant-search-path.ts";

/**
 * A connection that logged in as the tenant's own role. Nothing that is run on it can become anybody else: it is not
 * the platform that took another role, and would be itself again after a `reset role`.
 */
export interface TenantSession extends AsyncDisposable {
  readonly client: pg.Client;
  readonly place: TenantPlace;
  /** The platform's own connection, or pool, which does what the tenant's role may not. */
  readonly platform: Queryable;
}

export interface TenantSessionOptions {
  /** A role that owns the tenant's: a connection or a pool, outside any transaction. */
  readonly platform: Queryable;
  /** URL of the platform's database; its user and password are not used. */
  readonly url: string;
  readonly place: TenantPlace;
}

/** Settings of the session. A server that loses its client ends what it was at soon, not only when it has a result. */
const SETTINGS = [
  "set client_connection_check_interval = '2s'",
  "set lock_timeout = '10s'",
  "set statement_timeout = 0",
  "set idle_in_transaction_session_timeout = 0",
];

/**
 * Opens a session with a password that {@link allowTenantLogin} gave. Sessions of the role that are left over from
 * before are ended first, so that there is one at a time.
 */
export async function connectAsTenant({
  platform,
  url,
  place,
  password,
}: TenantSessionOptions & { readonly password: string }): Promise<TenantSession> {
  await endTenantSessions(platform, place.role);
  const { host, port, database, ssl } = new pg.Client({ connectionString: url });
  const client = new pg.Client({
    host,
    port,
    ...(database === undefined ? {} : { database }),
    ssl,
    user: place.role,
    password,
    application_name: "aibos/migration",
  });
  // A connection that the server ends shows at the next statement.
  client.on("error", () => undefined);
  await client.connect();
  await resetTenantSession(client, place);
  return { client, place, platform, [Symbol.asyncDispose]: () => client.end() };
}

/** Forgets what a file left in the session: settings, temporary tables, locks. */
export async function resetTenantSession(client: Queryable, { schema }: TenantPlace): Promise<void> {
  await client.query("discard all");
  await client.query(`${SETTINGS.join("; ")}; set search_path to ${tenantSearchPath(schema)}`);
}

/**
 * Runs work on a session of the tenant's own, and takes the login away again. For programs that are alone with the
 * tenant's data; others put {@link allowTenantLogin} behind their own fence.
 */
export async function withTenantSession<T>(
  options: TenantSessionOptions,
  work: (session: TenantSession) => Promise<T>,
): Promise<T> {
  const { platform, place } = options;
  const password = await allowTenantLogin(platform, place.role);
  try {
    await using session = await connectAsTenant({ ...options, password });
    return await work(session);
  } finally {
    await denyTenantLogin(platform, place.role);
    await endTenantSessions(platform, place.role);
  }
}
