import type { Migration, MigrationKind } from "@aibos/contract";
import type { Colors } from "./colors.ts";
import { oneLine, plainText } from "./plain-text.ts";
import { carriedFlagsLines } from "./carried-flags.ts";
import { durationText, elapsedMs, timeText } from "./time-text.ts";

/** Where a migration comes from and leads to: `1.0.0 → 1.5.0 → 2.0.0`. */
export function pathText({ path, fromVersion, toVersion }: Migration): string {
  if (path.length > 1) return path.map(oneLine).join(" → ");
  const ends = [fromVersion, toVersion].filter((version) => version !== null);
  return [...new Set(ends)].map(oneLine).join(" → ") || "–";
}

/** One line on how a migration stands or ended. */
export function outcomeText(migration: Migration, colors: Colors): string {
  const { status, id } = migration;
  const about = `${oneLine(migration.tenant)}: ${oneLine(migration.module)}`;
  const reference = colors.dim(`(${[timeTaken(migration), oneLine(id)].filter((text) => text !== "").join(", ")})`);
  if (status === "succeeded") {
    return [`${colors.green("✔")} ${successText(migration, about)} ${reference}`, ...consequences(migration)].join(
      "\n",
    );
  }
  const move = `${about} ${pathText(migration)}`;
  if (status === "scheduled") {
    return `${colors.cyan("◷")} ${move} starts at ${timeText(migration.scheduledTime ?? "")} ${reference}`;
  }
  if (status === "cancelled") {
    const when = migration.steps.length === 0 ? "before it began" : "and everything was put back as it was before";
    return `${colors.dim("○")} ${move} was cancelled ${when} ${reference}`;
  }
  if (status === "paused") return `${colors.yellow("‖")} ${move} is paused${pauseText(migration)} ${reference}`;
  if (status === "running") return `${colors.cyan("●")} ${move}: ${migration.kind} is under way ${reference}`;
  return `${colors.red("✖")} ${move}: ${failureText(migration)} ${reference}`;
}

/** What was asked of an operation, and how it stands. */
export function askedText(migration: Migration, colors: Colors): string {
  const id = oneLine(migration.id);
  if (migration.wanted === "cancel") {
    return `${colors.yellow("●")} ${id} is being cancelled: what it did is put back. Follow it with: aibos-versions migration-status ${id} --watch`;
  }
  if (migration.wanted === "pause") {
    return `${colors.yellow("●")} ${id} stops before its next step; "aibos-versions migration resume ${id}" has it go on`;
  }
  return outcomeText(migration, colors);
}

function pauseText({ id, failure }: Migration): string {
  if (failure === null) return `; "aibos-versions migration resume ${oneLine(id)}" has it go on`;
  return ` at step "${oneLine(failure.step)}", which failed: ${plainText(failure.message)}`;
}

/** Why a migration failed, and how things are now. */
function failureText({ failure, status, step }: Migration): string {
  const reason = failure === null ? "No reason was recorded." : plainText(failure.message);
  const at = failure?.step ?? step ?? "start";
  const now = status === "rolled-back" ? "Everything was put back as it was before." : "It was left as it is.";
  return `failed at step "${oneLine(at)}": ${reason} ${now}`;
}

/** The colour of a status. */
export function statusText(status: string, colors: Colors): string {
  if (["succeeded", "active", "healthy", "available"].includes(status)) return colors.green(status);
  if (["failed", "unhealthy", "suspended"].includes(status)) return colors.red(status);
  if (["rolled-back", "paused", "degraded", "undone", "draining", "restarting"].includes(status))
    return colors.yellow(status);
  if (["running", "scheduled", "starting", "provisioning"].includes(status)) return colors.cyan(status);
  return colors.dim(status);
}

const SUCCESS: Record<MigrationKind, (migration: Migration, about: string) => string> = {
  install: ({ toVersion }, about) => `${about} ${toVersion} is installed`,
  migrate: (migration, about) => `${about} moved ${pathText(migration)}`,
  "side-by-side": ({ toVersion, fromVersion }, about) =>
    `${about} ${toVersion} runs beside ${fromVersion ?? "the other"}, with no traffic yet`,
  complete: ({ toVersion }, about) => `${about} ${toVersion} has all traffic`,
  rollback: ({ toVersion }, about) => `${about} is back at ${toVersion}`,
  "rollback-point": ({ result, toVersion, fromVersion }, about) =>
    `${about} ${fromVersion ?? toVersion} has rollback point ${result.rollbackPointId ?? ""}`,
  restore: ({ toVersion }, about) => `${about} was put back to ${toVersion}`,
  backup: ({ result, fromVersion }, about) => `${about} ${fromVersion ?? ""} has backup ${result.backupId ?? ""}`,
  "restore-backup": ({ toVersion }, about) => `${about} was put back to ${toVersion}, as the backup has it`,
  rehearse: (migration, about) =>
    `${about} ${pathText(migration)} was rehearsed: ${migration.result.rehearsal?.passed === true ? "it passed" : "it did not pass"}`,
};

function successText(migration: Migration, about: string): string {
  return oneLine(SUCCESS[migration.kind](migration, about));
}

function consequences({ result, steps }: Migration): string[] {
  const lines = carriedFlagsLines(steps);
  if (result.completion !== undefined) {
    const { at, migrationId } = result.completion;
    lines.push(
      `  Going back loses nothing until ${timeText(at)}, when ${oneLine(migrationId)} takes the old version's data away.`,
    );
  }
  if (result.heldMs !== undefined && result.heldMs > 0) {
    lines.push(`  Requests were held for ${durationText(result.heldMs)}.`);
  }
  const lost = result.lostWrites ?? [];
  if (lost.length > 0) {
    const tables = lost.map(
      (w) => `${oneLine(w.table)} ${w.inserted + w.updated + w.deleted}${w.exact ? "" : " or more"}`,
    );
    lines.push(`  Writes that were lost, as was accepted: ${tables.join(", ")}.`);
  }
  const discarded = result.discarded ?? [];
  if (discarded.length > 0) {
    const places = discarded.map(
      ({ table, column, rows }) => `${oneLine(table)}${column === undefined ? "" : `.${oneLine(column)}`} ${rows}`,
    );
    lines.push(
      `  Values that only the newer version can hold, in rows: ${places.join(", ")}. Rollback point ${result.rollbackPointId ?? ""} has them.`,
    );
  }
  return lines;
}

function timeTaken({ createdAt, finishedAt, steps }: Migration): string {
  if (finishedAt === null) return "";
  return durationText(elapsedMs(steps[0]?.startedAt ?? createdAt, finishedAt));
}
