import type { Instant } from "./breakpoint.ts";
import type { TenantFacts } from "./inspection.ts";
import type { Scenario } from "./scenarios.ts";

/** One operation and the instant in it at which a fault strikes. */
export interface Cell {
  readonly scenario: Scenario;
  readonly instant: Instant;
  /** What a tenant looks like that nothing happened to. */
  readonly expected: TenantFacts | undefined;
}

type Step = { readonly position: number; readonly name: string; readonly status: string };

/** Every instant of an operation that left these entries. */
export function instantsOf(steps: readonly Step[]): Instant[] {
  const found: Instant[] = [];
  for (const { position, name, status } of steps) {
    found.push({ position, step: name, status: "running" });
    found.push({ position, step: name, status: status === "failed" ? "failed" : "succeeded" });
  }
  for (const { position, name, status } of steps.toReversed()) {
    if (status === "undone") found.push({ position, step: name, status: "undone" });
  }
  return [...found, { position: steps.length, step: "(end)", status: "finished" }];
}

/** Steps that publish a route: from there to the commit they have a lock that all others who publish wait for. */
const PUBLISHING = new Set(["hold", "route", "contract", "roll-back-data"]);

export function publishes({ instant: { step, status } }: Cell): boolean {
  return PUBLISHING.has(step) && (status === "succeeded" || status === "undone");
}

/** Puts cells together that one fault strikes at once: at most one of them publishes a route, and it comes last. */
export function batchesOf(cells: readonly Cell[], size: number): Cell[][] {
  const publishing = cells.filter(publishes);
  const others = cells.filter((cell) => !publishes(cell));
  const count = Math.max(publishing.length, Math.ceil(cells.length / size));
  const batches = Array.from({ length: count }, (_, index): Cell[] => publishing.slice(index, index + 1));
  for (const [index, cell] of others.entries()) batches[index % count]?.unshift(cell);
  return batches.filter((batch) => batch.length > 0);
}

/** Some of them, evenly spread, and others for another offset below the stride. */
export function everyNth<T>(list: readonly T[], stride: number, offset: number): T[] {
  return list.filter((_, index) => index % stride === offset % stride);
}
