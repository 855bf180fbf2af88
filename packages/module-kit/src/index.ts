export { createModuleKit, type ModuleKit, type ModuleKitOptions } from "./module-kit.ts";
export type { ModuleConfig } from "./config.ts";
export type { FetchHandler, ModuleServer } from "./serve.ts";
export type { TenantRequest } from "./tenant-request.ts";
export type { QueryRows, TenantTransaction, TransactionOptions } from "./tenant-transaction.ts";
export { ProblemError } from "./problem-error.ts";
export { TenantContextError } from "./tenant-context-error.ts";
export { TenantUnavailableError } from "./tenant-unavailable-error.ts";
export { TransactionLostError } from "./transaction-lost-error.ts";
