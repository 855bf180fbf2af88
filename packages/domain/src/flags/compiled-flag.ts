import { compileSetting, compileTargeting, type CompiledSetting, firstOf } from "./compile-setting.ts";
import type { FlagDefinition, FlagSetting } from "./flag-definition.ts";
import type { FlagMetadata, FlagResult } from "./flag-result.ts";
import { createFlagResults, type FlagResults } from "./flag-results.ts";
import { murmurState } from "./murmur3.ts";
import { type CompiledLogic, READS_TIME, READS_USER } from "./logic/logic-frame.ts";
import type { LogicScope } from "./logic/logic-scope.ts";

/** A segment's setting of a flag. */
export interface SegmentSetting {
  readonly segment: string;
  readonly matches: CompiledLogic | undefined;
  readonly setting: CompiledSetting;
}

/** One flag of a set: its definition, compiled, and what rules and overrides say of it. */
export interface CompiledFlag {
  readonly definition: FlagDefinition;
  /** Its place in what is remembered of each tenant. */
  readonly place: number;
  readonly results: FlagResults;
  readonly scope: LogicScope;
  /** Targeting, then rollout, of the definition; null when it has neither. */
  readonly base: CompiledSetting | null;
  readonly standard: FlagResult;
  readonly disabled: FlagResult;
  readonly killedResult: FlagResult;
  readonly prerequisiteFailed: FlagResult;
  readonly prerequisites: { readonly flag: CompiledFlag; readonly variant: string }[];
  /** Flags that have this one as a prerequisite, directly or not, and itself. */
  readonly dependents: Set<CompiledFlag>;
  killed: boolean;
  /** Nothing but the definition's own rules, and overrides: most flags, most of the time. */
  isPlain: boolean;
  /** The same, and nobody has a value of its own. */
  isBare: boolean;
  /** Its own rules depend on the tenant alone. */
  readonly isTenants: boolean;
  /** What the rules below the tenant's own depend on. */
  readsBelow: number;
  moduleSetting: CompiledSetting | null;
  segmentSettings: SegmentSetting[];
  /** By the tenant's index. */
  readonly tenantSettings: Map<number, CompiledSetting>;
  readonly userSettings: Map<number, Map<string, CompiledSetting>>;
  /** Compiled fixed settings by their JSON: thousands of tenants with the same value share one. */
  readonly shared: Map<string, CompiledSetting>;
}

/** @throws LogicInvalid */
export function compileFlag(
  definition: FlagDefinition,
  { place, metadata, segment }: { place: number; metadata: FlagMetadata; segment: LogicScope["segment"] },
): CompiledFlag {
  const { key, targeting, rollout } = definition;
  const results = createFlagResults(definition, metadata);
  const scope: LogicScope = { flag: murmurState(key), flagKey: key, segment, inList: false };
  const parts = [
    ...(targeting === undefined ? [] : [compileTargeting(targeting, { definition, results, scope })]),
    ...(rollout === undefined ? [] : [compileSetting({ rollout }, definition, { results, scope })]),
  ];
  const { defaultVariant, offVariant } = definition;
  const base = parts.length === 0 ? null : firstOf(parts);
  const flag: CompiledFlag = {
    // First what each evaluation looks at: it shares a few lines of the processor's cache then.
    isBare: false,
    isPlain: false,
    isTenants: ((base?.reads ?? 0) & (READS_USER | READS_TIME)) === 0,
    place,
    base,
    standard: results.ofVariant(defaultVariant, base === null ? "STATIC" : "DEFAULT"),
    definition,
    results,
    scope,
    disabled: results.withoutValue("DISABLED"),
    killedResult: results.ofVariant(offVariant, "DISABLED"),
    prerequisiteFailed: results.ofVariant(defaultVariant, "PREREQUISITE_FAILED"),
    prerequisites: [],
    dependents: new Set(),
    killed: false,
    readsBelow: 0,
    moduleSetting: null,
    segmentSettings: [],
    tenantSettings: new Map(),
    userSettings: new Map(),
    shared: new Map(),
  };
  flag.dependents.add(flag);
  recountReads(flag);
  return flag;
}

/** To be called when a rule below the tenant's own has changed. */
export function recountReads(flag: CompiledFlag): void {
  let reads = (flag.base?.reads ?? 0) | (flag.moduleSetting?.reads ?? 0);
  for (const { matches, setting } of flag.segmentSettings) reads |= (matches?.reads ?? 0) | setting.reads;
  flag.readsBelow = reads;
  flag.isPlain =
    !flag.killed &&
    flag.definition.enabled &&
    flag.definition.prerequisites.length === 0 &&
    flag.moduleSetting === null &&
    flag.segmentSettings.length === 0;
  recountOverrides(flag);
}

/** To be called when somebody's own value has changed. */
export function recountOverrides(flag: CompiledFlag): void {
  flag.isBare = flag.isPlain && flag.tenantSettings.size === 0 && flag.userSettings.size === 0;
}

/** A setting of this flag, compiled; those that are a fixed value are shared. @throws LogicInvalid */
export function settingOf(flag: CompiledFlag, setting: FlagSetting): CompiledSetting {
  const isFixed = setting.targeting === undefined && setting.rollout === undefined;
  const key = isFixed ? JSON.stringify(setting) : undefined;
  const known = key === undefined ? undefined : flag.shared.get(key);
  if (known !== undefined) return known;
  const compiled = compileSetting(setting, flag.definition, flag);
  // Values of objects may all differ: what is shared by nobody is not worth its memory.
  if (key !== undefined && flag.shared.size < 1_000) flag.shared.set(key, compiled);
  return compiled;
}
