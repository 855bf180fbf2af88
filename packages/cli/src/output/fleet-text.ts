import type { FleetMember, FleetPlan, FleetUpgrade } from "@aibos/contract";
import type { Colors } from "./colors.ts";
import { widthOf } from "./display-width.ts";
import { oneLine } from "./plain-text.ts";
import { durationText, timeText } from "./time-text.ts";

const BAR = 28;

/** Settled, and of how many that are to be: what the bar shows. */
export function progressOf({ tenants, counts }: Pick<FleetUpgrade, "tenants" | "counts">): {
  readonly done: number;
  readonly of: number;
} {
  const open = ["waiting", "deferred", "claimed", "moving", "returning"].reduce(
    (sum, key) => sum + (counts[key] ?? 0),
    0,
  );
  return { done: tenants - open, of: tenants };
}

/** One line that moves: the bar, how far it is, how fast, and how long it will take; as much of it as there is room for. */
export function progressLine(fleet: FleetUpgrade, colors: Colors, columns = 80): string {
  const { done, of } = progressOf(fleet);
  const share = of === 0 ? 1 : done / of;
  const filled = Math.floor(share * BAR);
  const failed = failedOf(fleet);
  const bar = colors.green("█".repeat(filled)) + colors.dim("░".repeat(BAR - filled));
  const parts = [
    `${bar} ${String(Math.floor(share * 100)).padStart(3)} %`,
    `${done}/${of}`,
    ...(failed > 0 ? [colors.red(`${failed} failed`)] : []),
    `batch ${Math.min(fleet.batch, fleet.batches)}/${fleet.batches}`,
    ...(fleet.ratePerMinute === null ? [] : [`${fleet.ratePerMinute}/min`]),
    ...(fleet.remainingSeconds === null || done === of ? [] : [`${durationText(fleet.remainingSeconds * 1_000)} left`]),
  ];
  while (parts.length > 1 && widthOf(parts.join("  ")) >= columns) parts.pop();
  return parts.join("  ");
}

/** How it stands, in one line. */
export function fleetState(fleet: FleetUpgrade): string {
  const { id, module, version, status, counts } = fleet;
  const told = ["moved", "failed", "skipped", "deferred", "returned", "kept", "cancelled"]
    .filter((key) => (counts[key] ?? 0) > 0)
    .map((key) => `${counts[key]} ${key}`);
  return oneLine(`${id} ${module} → ${version}: ${status}, ${told.join(", ") || "nobody moved"} of ${fleet.tenants}`);
}

/** Everything about one, for people. */
export function fleetText(fleet: FleetUpgrade, colors: Colors): string {
  const bad = fleet.status === "halted" || failedOf(fleet) > 0;
  const lines = [
    `${bad ? colors.red("✖") : colors.green("✔")} ${fleetState(fleet)}`,
    `  ${oneLine(fleet.reason)}`,
    ...fleet.waves.map(
      ({ name, tenants, moved, failed, skipped, open }) =>
        `  ${oneLine(name).padEnd(8)} ${moved} of ${tenants} moved${count(failed, "failed")}${count(skipped, "skipped")}${count(open, "to come")}`,
    ),
    ...(fleet.measurements === null || fleet.measurements.verdict === "no-traffic"
      ? []
      : [`  ${oneLine(fleet.measurements.sentence)}`]),
    ...fleet.failures.map((member) => `  ${failureText(member, colors)}`),
    ...(fleet.status === "halted" ? [`  ${howToDecide(fleet)}`] : []),
  ];
  return lines.join("\n");
}

export function failureText({ tenant, code, reason }: FleetMember, colors: Colors): string {
  return `${colors.red("✖")} ${oneLine(tenant)} ${colors.dim(oneLine(code ?? ""))} ${oneLine(reason ?? "")}`;
}

export function batchText(
  { batch, moved, failed, skipped, tenants, open }: FleetUpgrade["recentBatches"][number],
  colors: Colors,
): string {
  const mark = failed > 0 ? colors.yellow("✔") : colors.green("✔");
  return `${mark} batch ${batch}: ${moved} of ${tenants} moved${count(failed, "failed")}${count(skipped, "skipped")}${count(open, "later")}`;
}

export function howToDecide({ id }: Pick<FleetUpgrade, "id">): string {
  return `Decide: aibos-versions fleet-upgrade resume|rollback|cancel ${oneLine(id)}`;
}

/** Who would go when, and who can't. */
export function planText(plan: FleetPlan, colors: Colors): string {
  const later = plan.members.filter(({ status }) => status === "deferred");
  const skipped = plan.members.filter(({ status }) => status === "skipped");
  return [
    `${plan.goes} of ${plan.tenants} would go, ${plan.later} later, ${plan.skipped} not. Nothing was changed.`,
    ...plan.waves.map(({ name, tenants, firstBatch, lastBatch, startsAt }) => {
      const when = startsAt === null ? "" : `, about ${timeText(startsAt)}`;
      const batches = firstBatch === lastBatch ? `batch ${firstBatch}` : `batches ${firstBatch} to ${lastBatch}`;
      return `  ${oneLine(name).padEnd(8)} ${tenants} in ${batches}${when}`;
    }),
    ...later.map(({ tenant, notBefore, reason }) => {
      const when = notBefore === null ? "later" : timeText(notBefore);
      return `  ${colors.yellow("↷")} ${oneLine(tenant)} not before ${when}: ${oneLine(reason ?? "")}`;
    }),
    ...skipped.map(
      ({ tenant, code, reason }) =>
        `  ${colors.red("✖")} ${oneLine(tenant)} ${colors.dim(oneLine(code ?? ""))} ${oneLine(reason ?? "")}`,
    ),
  ].join("\n");
}

function failedOf({ counts }: FleetUpgrade): number {
  return (counts["failed"] ?? 0) + (counts["kept"] ?? 0);
}

function count(number: number, what: string): string {
  return number === 0 ? "" : `, ${number} ${what}`;
}
