import type { FlagValue } from "@aibos/domain";
import type {
  FeatureFlags,
  FlagChangeRecord,
  FlagCheck,
  FlagdDocument,
  FlagExplained,
  FlagKey,
  FlagRuleInput,
  FlagUsage,
  StaleFlags,
} from "../api/flags.ts";
import type { Page } from "../api/models.ts";
import type { Rollout, StartFlagRolloutInput } from "../api/rollouts.ts";
import type { PageRequest } from "./page-request.ts";

/** What the history tells of a change of flags. */
export interface FlagNote {
  readonly reason?: string;
  /** Who does it; "operator" unless told. */
  readonly author?: string;
}

/** Whom a flag is evaluated for. */
export interface FlagCheckContext {
  /** A user of the tenant; without one, the tenant stands for itself. */
  user?: string;
  attributes?: Record<string, unknown>;
  /** One of the tenant's live versions; the one with most users unless told. */
  version?: string;
}

/** What the platform can do with feature flags: a part of `MultiVersionService`. */
export interface FlagService {
  /**
   * A tenant's own values of flags, for all its live versions; null takes one away. All or none.
   *
   * @throws AIBOS_FLAGS_INVALID that names each flag and what was expected
   */
  updateFeatureFlags(
    tenant: string,
    module: string,
    flags: Record<string, FlagValue>,
    options?: { /** For this user of the tenant alone. */ user?: string } & FlagNote,
  ): Promise<FeatureFlags>;
  /** The flags that the tenant's live versions declare, with what it gets. */
  listFeatureFlags(tenant: string, module: string, options?: { version?: string }): Promise<FeatureFlags>;
  /** What the flag is for a tenant, or a user of it. Never throws for what is in the context. */
  checkFeatureFlag(tenant: string, module: string, flag: string, context?: FlagCheckContext): Promise<FlagCheck>;
  explainFeatureFlag(tenant: string, module: string, flag: string, context?: FlagCheckContext): Promise<FlagExplained>;
  /** A key that evaluates this tenant's flags of this module, over OFREP or in a program of the tenant's. */
  createFlagKey(tenant: string, module: string): Promise<FlagKey>;
  revokeFlagKey(keyId: string): Promise<void>;
  listModuleFlags(module: string): Promise<FeatureFlags>;
  /** Resolves to the change's revision, as the next ones do. @throws AIBOS_FLAGS_INVALID, AIBOS_FLAG_NOT_FOUND */
  setFlagRule(module: string, flag: string, rule: FlagRuleInput): Promise<number>;
  /** Gives everybody the flag's off variant, in every version, or ends that. */
  killFlag(module: string, flag: string, killed: boolean, note?: FlagNote): Promise<number>;
  /** JSONLogic that tells who is in the segment; null ends it. */
  setFlagSegment(module: string, segment: string, when: unknown, note?: FlagNote): Promise<number>;
  /**
   * Gives a flag's variant to users step by step, judged on requests with it and without it, and back by itself when they
   * are worse with it. The same commands as for any rollout.
   *
   * @throws AIBOS_FLAGS_INVALID, AIBOS_FLAG_NOT_FOUND, AIBOS_FLAG_ROLLOUT_ACTIVE, AIBOS_ROLLOUT_COOLING_DOWN,
   *   AIBOS_ROLLOUT_POLICY_INVALID
   */
  startFlagRollout(module: string, flag: string, options?: StartFlagRolloutInput): Promise<Rollout>;
  getFlagHistory(
    module: string,
    flag: string,
    filter?: PageRequest & { tenant?: string },
  ): Promise<Page<FlagChangeRecord>>;
  revertFlagChange(module: string, revision: number, note?: Pick<FlagNote, "author">): Promise<number>;
  getStaleFlags(module: string): Promise<StaleFlags>;
  getFlagUsage(module: string, flag: string, options?: { days?: number }): Promise<FlagUsage>;
  /** As the version's manifest writes them. */
  getFlagDefinitions(module: string, version: string): Promise<Record<string, Record<string, unknown>>>;
  exportFlags(module: string, version: string): Promise<FlagdDocument>;
}
