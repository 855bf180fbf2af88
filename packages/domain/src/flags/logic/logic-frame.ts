import type { TenantFacts } from "../flag-definition.ts";

/** Told that a flag's guarded rollout was asked, and its answer. */
export type GuardListener = (flag: string, isIn: boolean) => void;

/** What an expression is evaluated against. One is reused for all evaluations of a flag set. */
export interface LogicFrame {
  tenant: TenantFacts;
  module: string;
  version: string;
  /** Who asks; undefined: nobody in particular, the tenant stands for itself. */
  user: string | undefined;
  attributes: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970. */
  now: number;
  /** Hears of guarded rollouts that were asked on the way, and whether they took the user in. */
  met: GuardListener | undefined;
  /** How many more elements of lists may be looked at. */
  steps: number;
}

/** `item` is what a list's operation is at, in its body. */
export type LogicClosure = (frame: LogicFrame, item: unknown) => unknown;

// What a result depends on, as bits.
export const READS_NOTHING = 0;
export const READS_TENANT = 1;
export const READS_USER = 2;
export const READS_TIME = 4;
export const READS_ITEM = 8;

export interface CompiledLogic {
  readonly run: LogicClosure;
  /** What it depends on: a sum of the READS_ constants. */
  readonly reads: number;
  /** It is always this value, known when it was compiled. */
  readonly constant?: { readonly value: unknown };
  /** It is the attribute of this name. */
  readonly attribute?: string;
}

/** List elements that one evaluation may look at. */
export const MAX_STEPS = 10_000;
