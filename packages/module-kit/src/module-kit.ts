import { Pool } from "pg";
import { type TenantContext, verifyTenantContext } from "@aibos/contract";
import { createLocalFlags, type FlagExposure, type TenantFlagClient } from "@aibos/openfeature-provider/local";
import { type ModuleConfig, readModuleConfig } from "./config.ts";
import { noteMetFlag, tellingMetFlags } from "./met-flags.ts";
import { type CustomFields, readCustomFields } from "./custom-fields.ts";
import { createHookCaller, type StoredHook, type TenantHooks, tenantHooks } from "./hooks.ts";
import { problemResponse } from "./problem-response.ts";
import { type FetchHandler, type ModuleServer, serveFetch } from "./serve.ts";
import { TenantContextError } from "./tenant-context-error.ts";
import { contextHeaderOf, type TenantRequest } from "./tenant-request.ts";
import { runInTenant, type TenantTransaction, type TransactionOptions } from "./tenant-transaction.ts";

/** The part of a module's process that knows the platform. */
export interface ModuleKit {
  readonly config: ModuleConfig;
  /**
   * Verifies whom the request is for. For what needs no data; {@link ModuleKit.withTenant} does it by itself.
   *
   * @throws TenantContextError
   */
  verify(request: TenantRequest): TenantContext;
  /**
   * Runs `callback` in a transaction as the request's tenant. Commits when it resolves, rolls back when it throws. Don't
   * call it inside itself: it takes a second connection.
   *
   * @throws TenantContextError, TenantUnavailableError, TransactionLostError, and what `callback` throws
   */
  withTenant<T>(
    request: TenantRequest,
    callback: (transaction: TenantTransaction, tenant: TenantContext) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /**
   * The flags of the request's tenant, as this version declares them: `kit.flags(request).boolean("new_ui_enabled")`. They
   * are evaluated in this process. A flag that is unknown, or not here yet, is false or the fallback that is given.
   *
   * @throws TenantContextError
   */
  flags(request: TenantRequest): TenantFlagClient;
  /**
   * What the request's tenant has at this version's extension points: `await kit.hooks(request).call("on-paid", payload)`.
   * Call it outside of {@link ModuleKit.withTenant}.
   *
   * @throws TenantContextError
   */
  hooks(request: TenantRequest): TenantHooks;
  /** The tenant's own columns of a table, in a transaction that {@link ModuleKit.withTenant} gave. */
  customFields(transaction: TenantTransaction, table: string): Promise<CustomFields>;
  /** Answers a `healthPath`: 200 when the database answers, 503 when not. */
  health(): Promise<Response>;
  /** Answers a `tenantHealthPath`: 200 when `check`, in a read-only transaction as the tenant, finds no issues. */
  tenantHealth(
    request: TenantRequest,
    check: (transaction: TenantTransaction) => Promise<readonly string[]>,
  ): Promise<Response>;
  /** What to answer when `error` was thrown: problem+json that tells nothing of statements or data. */
  problem(error: unknown): Response;
  /**
   * Listens at 127.0.0.1 on the port of the environment and answers `GET /healthz`; all else is the handler's. On
   * SIGTERM and SIGINT it finishes the requests under way, closes the connections and ends the process.
   */
  serve(handler: FetchHandler): Promise<ModuleServer>;
  /** Closes the connections. */
  close(): Promise<void>;
}

export interface ModuleKitOptions {
  /** `process.env` unless told. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Connections to the database at most. */
  readonly connections?: number;
  /** Whether tenants' webhooks may be in private networks, or on this machine. False unless told. */
  readonly privateWebhooks?: boolean;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Told when a user meets a variant of a flag of kind `experiment`, once for each user and variant. */
  readonly exposed?: (exposure: FlagExposure) => void;
  /** Told of failures that are answered by 500. Writes them to standard error unless told. */
  readonly report?: (error: unknown) => void;
}

/** How long a request waits for a connection. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * @example
 *   const kit = createModuleKit();
 *   await kit.serve((request) =>
 *     kit.withTenant(request, async (tenant) => Response.json((await tenant.query("select * from notes")).rows)));
 *
 * @throws ConfigInvalidError
 */
export function createModuleKit(options: ModuleKitOptions = {}): ModuleKit {
  const { environment, connections = 10, privateWebhooks = false, now = Date.now, report = reportToLog } = options;
  const { exposed } = options;
  const config = readModuleConfig(environment);
  const pool = new Pool({
    connectionString: config.databaseUrl,
    application_name: `${config.module}@${config.version}`,
    max: connections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // An idle connection that the server ended is replaced at its next use.
  pool.on("error", () => undefined);
  const local =
    config.flags === undefined ? undefined : createLocalFlags({ ...config.flags, ...(exposed && { exposed }) });
  const hookCaller = createHookCaller({ ...config, privateAddresses: privateWebhooks, now });
  let ended: Promise<void> | undefined;
  const close = (): Promise<void> => (ended ??= Promise.all([pool.end(), local?.close()]).then(() => undefined));

  function verify(request: TenantRequest): TenantContext {
    const verified = verifyTenantContext(contextHeaderOf(request), config.contextKey, Math.floor(now() / 1_000));
    if ("refusal" in verified) throw new TenantContextError(verified.refusal);
    const { context } = verified;
    if (context.module !== config.module || context.version !== config.version) {
      throw new TenantContextError("another-version");
    }
    return context;
  }

  const withTenant: ModuleKit["withTenant"] = async (request, callback, transactionOptions = {}) => {
    const context = verify(request);
    return runInTenant(pool, context, (transaction) => callback(transaction, context), transactionOptions);
  };

  function flags(request: TenantRequest): TenantFlagClient {
    const { tenant } = verify(request);
    return local?.forTenant(tenant, noteMetFlag) ?? NO_FLAGS;
  }

  function hooks(request: TenantRequest): TenantHooks {
    const place = { module: config.module, version: config.version, tenant: verify(request).tenant };
    return tenantHooks(hookCaller, place, (name) =>
      withTenant(
        request,
        async (transaction) => (await transaction.query<StoredHook>(READ_HOOK, [name, place.version])).rows[0],
        {
          readOnly: true,
        },
      ),
    );
  }

  async function health(): Promise<Response> {
    try {
      await pool.query("select");
      return Response.json({ status: "ok", version: config.version });
    } catch {
      return Response.json({ status: "unhealthy", issues: ["The database does not answer."] }, { status: 503 });
    }
  }

  const tenantHealth: ModuleKit["tenantHealth"] = async (request, check) => {
    try {
      const issues = await withTenant(request, check, { readOnly: true });
      if (issues.length === 0) return Response.json({ status: "ok", version: config.version });
      return Response.json({ status: "unhealthy", issues }, { status: 503 });
    } catch (error) {
      return problemResponse(error, report);
    }
  };

  async function answer(handler: FetchHandler, request: Request): Promise<Response> {
    try {
      const { pathname } = new URL(request.url);
      return pathname === "/healthz" && request.method === "GET" ? await health() : await handler(request);
    } catch (error) {
      return problemResponse(error, report);
    }
  }

  async function serve(handler: FetchHandler): Promise<ModuleServer> {
    const server = await serveFetch((request) => tellingMetFlags(() => answer(handler, request)), {
      port: config.port,
    });
    const stop = (): Promise<void> => server.stop().then(close);
    const endProcess = (): void => {
      void stop().finally(() => process.exit(0));
    };
    process.once("SIGTERM", endProcess);
    process.once("SIGINT", endProcess);
    return {
      port: server.port,
      async stop() {
        process.off("SIGTERM", endProcess);
        process.off("SIGINT", endProcess);
        await stop();
      },
    };
  }

  return Object.freeze({
    config,
    verify,
    withTenant,
    flags,
    hooks,
    customFields: (transaction: TenantTransaction, table: string) =>
      readCustomFields(transaction, config.version, table),
    health,
    tenantHealth,
    problem: (error: unknown) => problemResponse(error, report),
    serve,
    close,
  });
}

const READ_HOOK = "select content, payload_schema as schema, secret from aibos_customizations.hook($1, $2)";

/** Where nobody serves flags: every one is what its caller falls back to. */
const NO_FLAGS: TenantFlagClient = {
  details: () => undefined,
  boolean: () => false,
  string: (_, fallback) => fallback,
  number: (_, fallback) => fallback,
  object: (_, fallback) => fallback,
};

function reportToLog(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${text}\n`);
}
