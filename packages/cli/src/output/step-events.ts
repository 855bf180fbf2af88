import type { Migration, MigrationStep } from "@aibos/contract";

/** Something that ended since the migration was seen before. */
export interface StepEvent {
  readonly kind: "succeeded" | "failed" | "undone";
  readonly title: string;
  readonly ms: number;
  readonly error: string | null;
}

/** What ended between two states of a migration, in the order in which it happened: undoing goes backwards. */
export function stepEvents(before: Migration | undefined, after: Migration): StepEvent[] {
  const known = new Map(before?.steps.map((step) => [step.position, step.status]));
  const forward: StepEvent[] = [];
  const backward: StepEvent[] = [];
  for (const step of after.steps) {
    const was = known.get(step.position);
    if (was === step.status || step.status === "running") continue;
    // A step can succeed and be undone between two looks: both are told.
    if (step.status === "undone" && was !== "succeeded" && was !== "failed") {
      forward.push(eventOf(step, step.error === null ? "succeeded" : "failed"));
    }
    if (step.status === "undone") backward.unshift(eventOf(step, "undone"));
    else forward.push(eventOf(step, step.status));
  }
  return [...forward, ...backward];
}

/** The step that is under way. */
export function runningStep(migration: Migration): MigrationStep | undefined {
  return migration.steps.findLast((step) => step.status === "running");
}

function eventOf(step: MigrationStep, kind: StepEvent["kind"]): StepEvent {
  const ms = step.finishedAt === null ? 0 : Date.parse(step.finishedAt) - Date.parse(step.startedAt);
  return { kind, title: step.title, ms, error: kind === "failed" ? step.error : null };
}
