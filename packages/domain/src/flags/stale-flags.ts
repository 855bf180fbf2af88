import type { FlagDefinition, FlagKind } from "./flag-definition.ts";

/** What is known of a flag's life. Times are milliseconds since 1970. */
export interface FlagLife {
  readonly definition: FlagDefinition;
  /** When the first version that declares it was published. */
  readonly since: number;
  /** When it was last evaluated; null: never. */
  readonly lastEvaluated: number | null;
  /** Since when everybody gets one variant by rules alone; null while that is not so. */
  readonly fullyRolledOutSince: number | null;
  /** Overrides whose value is the default. */
  readonly redundantOverrides: number;
}

export interface StaleFlag {
  readonly flag: string;
  readonly reason: "too-old" | "never-evaluated" | "fully-rolled-out" | "redundant-overrides";
  readonly message: string;
}

const DAY = 86_400_000;
/** Days that a flag may live unless it says another number; null: as long as it likes. */
const LIFETIME_DAYS: Record<FlagKind, number | null> = {
  release: 40,
  experiment: 40,
  operational: 365,
  "kill-switch": null,
  permission: null,
};
const UNUSED_DAYS = 30;
const ROLLED_OUT_DAYS = 14;

/** Everything about a flag that says it should go, or that something on it should. */
export function staleReasons({ definition, ...life }: FlagLife, now: number): StaleFlag[] {
  const { key: flag, kind } = definition;
  const found: StaleFlag[] = [];
  const age = Math.floor((now - life.since) / DAY);
  const allowed = definition.lifetimeDays ?? LIFETIME_DAYS[kind];
  if (allowed !== null && age > allowed) {
    found.push({
      flag,
      reason: "too-old",
      message: `is ${age} days old; a flag of kind ${kind} should be gone after ${allowed}`,
    });
  }
  if (life.lastEvaluated === null && age > UNUSED_DAYS) {
    found.push({ flag, reason: "never-evaluated", message: `nobody asked for it in ${age} days` });
  }
  const rolledOut = life.fullyRolledOutSince === null ? 0 : Math.floor((now - life.fullyRolledOutSince) / DAY);
  if (rolledOut > ROLLED_OUT_DAYS && (kind === "release" || kind === "experiment")) {
    found.push({ flag, reason: "fully-rolled-out", message: `everybody has had one variant for ${rolledOut} days` });
  }
  if (life.redundantOverrides > 0) {
    const message = `${life.redundantOverrides} overrides say what the default is`;
    found.push({ flag, reason: "redundant-overrides", message });
  }
  return found;
}
