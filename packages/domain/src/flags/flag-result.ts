import type { FlagValue } from "./flag-value.ts";

/** Why a flag has its value: the reasons of the OpenFeature specification, and one more. */
export type FlagReason =
  | "STATIC"
  | "DEFAULT"
  | "TARGETING_MATCH"
  | "SPLIT"
  | "DISABLED"
  | "PREREQUISITE_FAILED"
  | "ERROR";

/** Error codes of the OpenFeature specification that evaluation gives. */
export type FlagErrorCode = "FLAG_NOT_FOUND" | "GENERAL" | "TYPE_MISMATCH";

/** Where the value is from. */
export interface FlagMetadata {
  readonly flagSetId: string;
  readonly flagSetVersion: string;
  /** What the definition says beside them. */
  readonly [name: string]: string | number | boolean;
}

/** What evaluating a flag comes to. Shared by all who get the same: frozen. */
export interface FlagResult {
  /** The flag's default when evaluating it failed; undefined for one that is not declared, or is disabled. */
  readonly value: FlagValue | undefined;
  readonly variant?: string;
  readonly reason: FlagReason;
  readonly errorCode?: FlagErrorCode;
  readonly errorMessage?: string;
  readonly flagMetadata: FlagMetadata;
}

/** One rule that was looked at, and what came of it. */
export interface FlagExplanationStep {
  /** Such as "user", "tenant", "segment beta", "module", "targeting", "rollout". */
  readonly rule: string;
  readonly outcome: "decided" | "passed" | "failed";
  readonly detail: string;
}
