import type { CompiledFlag } from "./compiled-flag.ts";
import type { FlagResult } from "./flag-result.ts";
import type { GuardListener } from "./logic/logic-frame.ts";

/** One tenant's flags. */
export interface TenantFlags {
  /**
   * @param now milliseconds since 1970
   * @param met told of each guarded rollout that was asked
   */
  evaluate(
    key: string,
    user: string | undefined,
    attributes: Readonly<Record<string, unknown>> | undefined,
    now: number,
    met?: GuardListener,
  ): FlagResult;
}

/** What a flag set lets its tenants' handles use. */
export interface FlagSetInside {
  readonly flags: ReadonlyMap<string, CompiledFlag>;
  readonly evaluate: (
    flag: CompiledFlag,
    index: number,
    user: string | undefined,
    attributes: Readonly<Record<string, unknown>> | undefined,
    now: number,
    met: GuardListener | undefined,
  ) => FlagResult;
  readonly notFound: (key: string) => FlagResult;
}

/** A flag set with the tenant looked up already: for many flags of one tenant. */
export class FlagsOfTenant implements TenantFlags {
  readonly #inside: FlagSetInside;
  readonly #index: number;
  readonly #known: readonly (FlagResult | undefined)[];

  /** @param known what is remembered of the tenant, by flags' places */
  constructor(inside: FlagSetInside, index: number, known: readonly (FlagResult | undefined)[]) {
    this.#inside = inside;
    this.#index = index;
    this.#known = known;
  }

  evaluate(
    key: string,
    user: string | undefined,
    attributes: Readonly<Record<string, unknown>> | undefined,
    now: number,
    met?: GuardListener,
  ): FlagResult {
    const flag = this.#inside.flags.get(key);
    if (flag === undefined) return this.#inside.notFound(key);
    return this.#known[flag.place] ?? this.#inside.evaluate(flag, this.#index, user, attributes, now, met);
  }
}
