import type { FeedPolicy, RouteArguments, Routes } from "@aibos/contract";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { TenantModuleState } from "../instances/tenant-module-read-model.ts";
import { readRoutePolicy, writeRoutePolicy } from "./route-policy-store.ts";

type Leaving = FeedPolicy["leaving"];
/** What becomes of users whom a version loses. */
export type Stickiness = RouteArguments<Routes["updateTrafficSplit"]>["query"];

/** What the users who are there keep when shares change now; null when they move at once. */
export function leavingOf(
  { live }: Pick<TenantModuleState, "live">,
  { stickiness, drainSeconds }: Stickiness,
  now: number,
): Leaving {
  if (stickiness === "break") return null;
  const weights = live.filter(({ weight }) => weight > 0).map(({ version, weight }) => ({ version, weight }));
  return { weights, since: now, until: stickiness === "drain" ? now + drainSeconds * 1_000 : null };
}

/** Replaces who was to stay for a while. */
export async function setLeaving(
  tx: ControlTransaction,
  subject: Pick<TenantModuleState, "tenant" | "module">,
  leaving: Leaving,
): Promise<void> {
  const before = await readRoutePolicy(tx.db, subject);
  if (leaving !== null || before.leaving !== null) await writeRoutePolicy(tx, subject, { leaving });
}
