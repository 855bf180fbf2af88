import type { FlagType, FlagValue } from "./flag-value.ts";

export const FLAG_KINDS = ["release", "experiment", "operational", "kill-switch", "permission"] as const;
/** What a flag is for, which decides how long it may live. */
export type FlagKind = (typeof FLAG_KINDS)[number];

/** A JSONLogic expression, as it was written. */
export type Logic = unknown;

/** A share of tenants or users that grows in a straight line between two times, and stays at `to` afterwards. */
export interface FlagRamp {
  /** Percent at `start`, and before it. */
  readonly from: number;
  /** Percent at `end`, and after it. */
  readonly to: number;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
}

/** Gives a variant to a share of tenants or users, who keep it while the share only grows. */
export interface FlagRollout {
  readonly variant: string;
  /** Whom the dice are thrown for: the tenant, the user in the tenant, or what an attribute of the context says. */
  readonly by: "tenant" | "user" | { readonly attribute: string };
  /** 0 to 100, with up to three decimals, or a ramp. */
  readonly percent: number | FlagRamp;
  /** Replaces the flag's key in the hash: flags with the same seed choose the same users. */
  readonly seed?: string;
  /** It is driven by evidence: who is met by it, in or out, is told to whoever evaluates. Set by the engine alone. */
  readonly guarded?: boolean;
}

/** Another flag that must have a variant for this one to be anything but its default. */
export interface FlagPrerequisite {
  readonly flag: string;
  readonly variant: string;
}

/** A flag as a module version declares it, in one shape whatever the manifest's. */
export interface FlagDefinition {
  readonly key: string;
  readonly type: FlagType;
  readonly description?: string;
  readonly variants: ReadonlyMap<string, FlagValue>;
  /** The author named no variants: a boolean has `on` and `off`, anything else `default`. */
  readonly variantsAreImplied: boolean;
  /** The variant whose value is the default. */
  readonly defaultVariant: string;
  /** The variant that everybody gets when the flag is killed: false for a boolean, else the default. */
  readonly offVariant: string;
  /** A disabled flag has no value: each caller's own default holds, whatever the rules. */
  readonly enabled: boolean;
  /** Gives the name of a variant, or null for what comes next. */
  readonly targeting?: Logic;
  readonly rollout?: FlagRollout;
  readonly prerequisites: readonly FlagPrerequisite[];
  readonly owner?: string;
  readonly kind: FlagKind;
  /** Days from its first release after which it should be gone; undefined: what its kind says. */
  readonly lifetimeDays?: number;
  /** For those who evaluate it. */
  readonly metadata?: Readonly<Record<string, string | number | boolean>>;
  /** JSON Schema of an object's values. */
  readonly schema?: { readonly [name: string]: FlagValue };
  /** What the flag was called in earlier versions, whose overrides come along. */
  readonly renamedFrom?: string;
}

/** What gives a flag's value to those whom a rule or an override is for. */
export interface FlagSetting {
  /** A value of the flag's type. */
  readonly value?: FlagValue;
  /** The name of a variant. */
  readonly variant?: string;
  readonly rollout?: FlagRollout;
  readonly targeting?: Logic;
  /** Milliseconds since 1970: not before. */
  readonly from?: number;
  /** Milliseconds since 1970: not any more. */
  readonly until?: number;
}

/**
 * Where a setting stands, weakest first. A user's setting beats the tenant's, which beats its segment's, which beats
 * the module's, which beats the version's definition.
 */
export type FlagLevel = "module" | "segment" | "tenant" | "user";

/** Whom a setting is for. */
export type FlagScope =
  | { readonly level: "module" }
  | { readonly level: "segment"; readonly segment: string }
  | { readonly level: "tenant"; readonly tenant: string }
  | { readonly level: "user"; readonly tenant: string; readonly user: string };

/** A named group that rules speak of. */
export interface FlagSegment {
  readonly name: string;
  /** Who is in it: JSONLogic that gives something true. */
  readonly when: Logic;
}

/** What is known of a tenant, for rules. `tenant.plan` and `tenant.region` are labels of these names. */
export interface TenantFacts {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}
