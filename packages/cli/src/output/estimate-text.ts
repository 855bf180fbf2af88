import type { MigrationEstimate } from "@aibos/contract";
import { durationText } from "./time-text.ts";

/** How long a move will take, and what that rests on, in one line. */
export function estimateText({ duration, downtime, rows, basis, samples }: MigrationEstimate): string {
  const held = downtime.highMs === 0 ? "no downtime" : `downtime ${rangeText(downtime)}`;
  const from =
    basis === "history"
      ? `as ${samples} earlier ${samples === 1 ? "migration" : "migrations"} took`
      : "by size, for want of earlier migrations";
  return `Takes ${rangeText(duration)}, ${held}: about ${rows} ${rows === 1 ? "row" : "rows"}, ${from}.`;
}

function rangeText({ lowMs, highMs }: MigrationEstimate["duration"]): string {
  const [low, high] = [durationText(lowMs), durationText(highMs)];
  return low === high ? low : `${low} to ${high}`;
}
