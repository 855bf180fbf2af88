import { type CompiledFlag, compileFlag, recountOverrides, recountReads, settingOf } from "./compiled-flag.ts";
import { evaluateFlag, evaluatePlainFlag, hasOverrides, isTenantsAlone, readsOf } from "./evaluate-flag.ts";
import type { FlagDefinition, FlagScope, FlagSegment, FlagSetting, TenantFacts } from "./flag-definition.ts";
import type { FlagExplanationStep, FlagMetadata, FlagResult } from "./flag-result.ts";
import { FlagsOfTenant, type FlagSetInside, type TenantFlags } from "./flags-of-tenant.ts";
import { murmurState } from "./murmur3.ts";
import { compileLogic } from "./logic/compile-logic.ts";
import { type CompiledLogic, type GuardListener, type LogicFrame, MAX_STEPS } from "./logic/logic-frame.ts";

/** Who asks. */
export interface FlagContext {
  readonly tenant: string;
  /** The user in the tenant; undefined: nobody in particular. */
  readonly user?: string | undefined;
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  /** Told of each guarded rollout that was asked, of this flag and of those that it needs. */
  readonly met?: GuardListener | undefined;
}

/** A rule or an override that changed; null takes it away. */
export interface FlagChange {
  readonly flag: string;
  readonly scope: FlagScope;
  readonly setting: FlagSetting | null;
}

/** What one evaluation comes to, and each rule that was looked at. */
export interface FlagExplanation {
  readonly result: FlagResult;
  readonly steps: readonly FlagExplanationStep[];
}

const NO_ATTRIBUTES: Readonly<Record<string, unknown>> = Object.freeze({});
const NOTHING_KNOWN: (FlagResult | undefined)[] = [];
const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * The flags of one module version, compiled, with the rules and overrides on them. A change compiles the one flag that
 * it is about. What depends on the tenant alone is evaluated once after a change, and looked up from then on.
 */
export class FlagSet {
  readonly metadata: FlagMetadata;
  readonly #flags = new Map<string, CompiledFlag>();
  readonly #segments = new Map<string, CompiledLogic>();
  /** Numbers of tenants: what is known of one is at its number in every flag. */
  readonly #tenants = new Map<string, number>();
  readonly #facts: TenantFacts[] = [];
  /**
   * Results that depend on the tenant alone, by its number and then by the flag's place: those of one tenant, which are
   * asked for together, lie together. Emptied by every change that could alter one.
   */
  readonly #known: (FlagResult | undefined)[][] = [];
  readonly #frame: LogicFrame;
  readonly #inside: FlagSetInside = {
    flags: this.#flags,
    evaluate: (flag, index, user, attributes, now, met) => this.#evaluate(flag, index, user, attributes, now, met),
    notFound: (key) => this.#notFound(key),
  };

  /** @throws LogicInvalid for targeting that can't be used */
  constructor(module: string, version: string, definitions: readonly FlagDefinition[]) {
    this.metadata = Object.freeze({ flagSetId: module, flagSetVersion: version });
    const tenant = { id: "", labels: NO_LABELS };
    this.#frame = {
      tenant,
      module,
      version,
      user: undefined,
      attributes: NO_ATTRIBUTES,
      now: 0,
      met: undefined,
      steps: MAX_STEPS,
    };
    const segment = (name: string): CompiledLogic => this.#lateSegment(name);
    for (const definition of definitions) {
      this.#flags.set(
        definition.key,
        compileFlag(definition, { place: this.#flags.size, metadata: this.metadata, segment }),
      );
    }
    for (const flag of this.#flags.values()) this.#linkPrerequisites(flag);
    for (const flag of this.#flags.values()) addDependents(flag, flag);
  }

  keys(): IterableIterator<string> {
    return this.#flags.keys();
  }

  definition(key: string): FlagDefinition | undefined {
    return this.#flags.get(key)?.definition;
  }

  /** What is known of a tenant; its results are evaluated again. */
  setTenant(facts: TenantFacts): void {
    const index = this.#indexOf(facts.id);
    this.#facts[index] = facts;
    this.#known[index]?.fill(undefined);
  }

  /** Defines a segment; null ends it. @throws LogicInvalid */
  setSegment(name: string, segment: FlagSegment | null): void {
    if (segment === null) {
      this.#segments.delete(name);
    } else {
      const scope = { flag: murmurState(name), flagKey: name, segment: () => undefined, inList: false };
      this.#segments.set(name, compileLogic(segment.when, scope));
    }
    for (const flag of this.#flags.values()) {
      flag.segmentSettings = flag.segmentSettings.map((known) =>
        known.segment === name ? { ...known, matches: this.#segments.get(name) } : known,
      );
      recountReads(flag);
    }
    for (const known of this.#known) known.fill(undefined);
  }

  /** Gives everybody the flag's off variant, or ends that. Unknown flags are none of this version's. */
  setKilled(key: string, killed: boolean): void {
    const flag = this.#flags.get(key);
    if (flag === undefined) return;
    flag.killed = killed;
    this.#forget(flag);
  }

  /**
   * Puts a rule or an override in place. One for a flag that this version does not declare is none of its business.
   *
   * @throws LogicInvalid for targeting that can't be used; nothing is changed then
   */
  apply({ flag: key, scope, setting }: FlagChange): void {
    const flag = this.#flags.get(key);
    if (flag === undefined) return;
    const compiled = setting === null ? null : settingOf(flag, setting);
    switch (scope.level) {
      case "module":
        flag.moduleSetting = compiled;
        return this.#forget(flag);
      case "segment": {
        const { segment } = scope;
        const others = flag.segmentSettings.filter((known) => known.segment !== segment);
        const added = compiled === null ? [] : [{ segment, matches: this.#segments.get(segment), setting: compiled }];
        // By name: the same order wherever the set was made.
        flag.segmentSettings = [...others, ...added].sort((a, b) => (a.segment < b.segment ? -1 : 1));
        return this.#forget(flag);
      }
      case "tenant": {
        const index = this.#indexOf(scope.tenant);
        if (compiled === null) flag.tenantSettings.delete(index);
        else flag.tenantSettings.set(index, compiled);
        return this.#forgetTenant(flag, index);
      }
      case "user": {
        const index = this.#indexOf(scope.tenant);
        const users = flag.userSettings.get(index) ?? new Map<string, ReturnType<typeof settingOf>>();
        if (compiled === null) users.delete(scope.user);
        else users.set(scope.user, compiled);
        if (users.size === 0) flag.userSettings.delete(index);
        else flag.userSettings.set(index, users);
        return this.#forgetTenant(flag, index);
      }
    }
  }

  /** @param now milliseconds since 1970 */
  evaluate(key: string, { tenant, user, attributes, met }: FlagContext, now: number): FlagResult {
    const flag = this.#flags.get(key);
    if (flag === undefined) return this.#notFound(key);
    const index = this.#tenants.get(tenant) ?? this.#indexOf(tenant);
    return this.#known[index]?.[flag.place] ?? this.#evaluate(flag, index, user, attributes, now, met);
  }

  /** The same set for one tenant: faster where many flags are asked for it. */
  forTenant(tenant: string): TenantFlags {
    const index = this.#indexOf(tenant);
    const known = this.#knownOf(index);
    return new FlagsOfTenant(this.#inside, index, known);
  }

  /** Evaluates without what is remembered, and tells each rule that was looked at. */
  explain(key: string, context: FlagContext, now: number): FlagExplanation {
    const flag = this.#flags.get(key);
    if (flag === undefined) return { result: this.#notFound(key), steps: [] };
    const steps: FlagExplanationStep[] = [];
    const index = this.#indexOf(context.tenant);
    const frame = this.#frameFor(index, context.user, context.attributes, now);
    frame.met = context.met;
    return { result: evaluateFlag(flag, index, frame, (step) => steps.push(step)), steps };
  }

  #evaluate(
    flag: CompiledFlag,
    index: number,
    user: string | undefined,
    attributes: Readonly<Record<string, unknown>> | undefined,
    now: number,
    met?: GuardListener,
  ): FlagResult {
    const frame = this.#frameFor(index, user, attributes, now);
    frame.met = met;
    if (flag.isBare || (flag.isPlain && !hasOverrides(flag, index))) {
      const plain = evaluatePlainFlag(flag, frame);
      if (flag.isTenants) this.#knownOf(index)[flag.place] = plain;
      return plain;
    }
    const result = evaluateFlag(flag, index, frame);
    if (isTenantsAlone(readsOf(flag, index, frame))) this.#knownOf(index)[flag.place] = result;
    return result;
  }

  #knownOf(index: number): (FlagResult | undefined)[] {
    const known = this.#known[index];
    if (known !== undefined && known !== NOTHING_KNOWN) return known;
    // A list with holes at its end would be kept as a table: grown one by one it stays a list.
    while (this.#known.length < index) this.#known.push(NOTHING_KNOWN);
    return (this.#known[index] = Array.from({ length: this.#flags.size }, () => undefined));
  }

  #forget(flag: CompiledFlag): void {
    recountReads(flag);
    const places = [...flag.dependents].map(({ place }) => place);
    for (const known of this.#known) for (const place of places) if (place < known.length) known[place] = undefined;
  }

  #forgetTenant(flag: CompiledFlag, index: number): void {
    recountOverrides(flag);
    const known = this.#known[index];
    if (known === undefined) return;
    for (const { place } of flag.dependents) if (place < known.length) known[place] = undefined;
  }

  #frameFor(
    index: number,
    user: string | undefined,
    attributes: Readonly<Record<string, unknown>> | undefined,
    now: number,
  ): LogicFrame {
    const frame = this.#frame;
    frame.tenant = this.#facts[index] ?? frame.tenant;
    frame.user = user;
    frame.attributes = attributes ?? NO_ATTRIBUTES;
    frame.now = now;
    return frame;
  }

  #notFound(key: string): FlagResult {
    return {
      value: undefined,
      reason: "ERROR",
      errorCode: "FLAG_NOT_FOUND",
      errorMessage: `Flag "${key.slice(0, 100)}" is not declared by ${this.metadata.flagSetId} ${this.metadata.flagSetVersion}.`,
      flagMetadata: this.metadata,
    };
  }

  #indexOf(tenant: string): number {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const index = this.#facts.length;
    this.#tenants.set(tenant, index);
    this.#facts.push({ id: tenant, labels: NO_LABELS });
    return index;
  }

  /** Looked up at each use: a segment may be defined after the flag that speaks of it. */
  #lateSegment(name: string): CompiledLogic {
    // Unknown until then: it may read anything.
    return { run: (frame, item) => this.#segments.get(name)?.run(frame, item) ?? false, reads: 7 };
  }

  #linkPrerequisites(flag: CompiledFlag): void {
    for (const { flag: key, variant } of flag.definition.prerequisites) {
      const needed = this.#flags.get(key);
      if (needed !== undefined) flag.prerequisites.push({ flag: needed, variant });
    }
  }
}

function addDependents(flag: CompiledFlag, dependent: CompiledFlag): void {
  for (const { flag: needed } of flag.prerequisites) {
    needed.dependents.add(dependent);
    addDependents(needed, dependent);
  }
}
