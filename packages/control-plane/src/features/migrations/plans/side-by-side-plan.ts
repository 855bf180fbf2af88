import { AlreadyOnVersionError, SideBySideUnsupportedError } from "@aibos/contract";
import { satisfiesRange, type Version } from "@aibos/domain";
import type { PlannedStep } from "../../../db/control-tables.ts";
import type { LiveInstance } from "../../instances/tenant-module-read-model.ts";
import { plan } from "../migration-step.ts";
import { confirm } from "../steps/confirm.ts";
import { countWrites } from "../steps/count-writes.ts";
import { deploy } from "../steps/deploy.ts";
import { drain } from "../steps/drain.ts";
import { grant } from "../steps/grant.ts";
import { hold } from "../steps/hold.ts";
import { probe } from "../steps/probe.ts";
import { rollbackPoint } from "../steps/rollback-point.ts";
import { route } from "../steps/route.ts";
import { validate } from "../steps/validate.ts";
import type { Decision, DecisionFacts } from "./decision.ts";
import { hopsAlong } from "./migrate-plan.ts";
import { asked, statesOf } from "./instance-states.ts";
import { expandAlong, firstExclusive } from "./live-hops.ts";
import { carryAlong } from "./carry-along.ts";
import { dataVersionOf } from "./only-live-version.ts";
import { mergeAlong, type MergesAlong } from "./merge-along.ts";
import { requireUpgrade } from "./require-upgrade.ts";

/**
 * Brings another version up beside those that serve. It gets no traffic yet. With data of its own where the releases on
 * the way allow that, else on the same tables, which its author says the others can work with.
 */
export async function planSideBySide(facts: DecisionFacts, version: Version, today: string): Promise<Decision> {
  const { state, modules } = facts;
  const { tenant, module, live } = state;
  const versions = live.map((instance) => instance.version);
  if (versions.includes(version)) throw new AlreadyOnVersionError(tenant, module, version);
  const data = dataVersionOf(state);
  const path = await requireUpgrade(facts, data, version, today);
  const exclusive = await firstExclusive(modules, module, path);
  if (exclusive !== undefined) await requireSharedTables(facts, version, exclusive);
  const point = {
    version: versions[0] ?? data,
    dataVersion: data,
    reason: `before ${version} beside ${versions.join(", ")}`,
  };
  const served = path.indexOf(point.version);
  const merges = await mergeAlong(facts, served === -1 ? [point.version, version] : path.slice(served), true);
  const carried = await carryAlong(facts, { from: point.version, to: version, path });
  const way = { path, point, merges, carried };
  return {
    fromVersion: data,
    toVersion: version,
    path,
    steps: exclusive === undefined ? liveSteps(facts, way) : sharedSteps(facts, way),
  };
}

/** @throws SideBySideUnsupportedError */
async function requireSharedTables(
  { state, modules }: DecisionFacts,
  version: Version,
  exclusive: Version,
): Promise<void> {
  const { module, live } = state;
  const { compatibleWith } = (await modules.getVersion(module, version)).manifest.data;
  for (const old of live) {
    const shares = compatibleWith !== undefined && satisfiesRange(old.version, compatibleWith);
    const together = live.every(({ dataVersion }) => dataVersion === old.dataVersion);
    if (!shares || !together) throw new SideBySideUnsupportedError(module, old.version, version, exclusive);
  }
}

interface Point {
  readonly version: Version;
  readonly dataVersion: Version;
  readonly reason: string;
}

interface Way {
  readonly path: readonly Version[];
  readonly point: Point;
  readonly merges: MergesAlong;
  /** What the tenant set of flags comes along. */
  readonly carried: readonly PlannedStep[];
}

function liveSteps({ state: { live } }: DecisionFacts, { path, point, merges, carried }: Way): PlannedStep[] {
  const version = path.at(-1) ?? point.version;
  const joining = { [version]: { status: "standby", dataVersion: version } } as const;
  return [
    plan(validate, { versions: path.slice(1) }),
    plan(deploy, { version }),
    plan(rollbackPoint, { ...point, served: true }),
    ...expandAlong(path, merges.fields),
    ...merges.steps,
    ...carried,
    plan(grant, { version }),
    plan(probe, { versions: asked(joining) }),
    plan(route, {
      weights: { ...weightsOf(live), [version]: 0 },
      instances: { ...statesOf(live), ...joining },
      result: version,
      release: false,
    }),
    plan(confirm, { after: "route" }),
  ];
}

function sharedSteps({ state: { live } }: DecisionFacts, { path, point, merges, carried }: Way): PlannedStep[] {
  const version = path.at(-1) ?? point.version;
  const versions = live.map((instance) => instance.version);
  const instances = {
    ...statesOf(live, version),
    [version]: { status: "standby", dataVersion: version } as const,
  };
  return [
    plan(validate, { versions: path.slice(1) }),
    plan(deploy, { version }),
    plan(hold, { reason: `bringing up ${version} beside ${versions.join(", ")}` }),
    // Those that stay too: what a gateway that nobody hears of still sends must not be written while this can fail.
    plan(drain, { after: "hold", revoke: versions }),
    plan(countWrites, {}),
    plan(rollbackPoint, point),
    ...hopsAlong(path, merges),
    ...carried,
    ...[version, ...versions].map((allowed) => plan(grant, { version: allowed })),
    plan(probe, { versions: asked(instances) }),
    plan(route, {
      weights: { ...weightsOf(live), [version]: 0 },
      instances,
      result: version,
      release: true,
    }),
    plan(confirm, { after: "route" }),
  ];
}

function weightsOf(live: readonly LiveInstance[]): Record<string, number> {
  return Object.fromEntries(live.map((instance) => [instance.version, instance.weight]));
}
