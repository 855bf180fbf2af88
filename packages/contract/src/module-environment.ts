/** Where a module's process follows its version's flags. Absent where a version is run by somebody else. */
export const FLAG_ENVIRONMENT = {
  /** Base URL of the control plane's API. */
  url: "AIBOS_FLAGS_URL",
  /** Key that reads the flags of this version, of all its tenants, and nothing else. */
  key: "AIBOS_FLAGS_KEY",
} as const;

/**
 * The environment variables that a runtime driver gives a module version's process. With the header
 * `x-aibos-context` they are the whole contract with a module's code, in any language.
 */
export const MODULE_ENVIRONMENT = {
  /** TCP port to listen on, at 127.0.0.1. */
  port: "PORT",
  /** PostgreSQL URL of a login role that reaches nothing by itself: each transaction must SET LOCAL ROLE first. */
  databaseUrl: "AIBOS_DATABASE_URL",
  /** Key that verifies `x-aibos-context` (HMAC-SHA256). */
  contextKey: "AIBOS_CONTEXT_KEY",
  module: "AIBOS_MODULE",
  version: "AIBOS_VERSION",
} as const;
