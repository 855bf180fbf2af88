import { AlreadyOnVersionError, SideBySideUnsupportedError } from "@aibos/contract";
import { satisfiesRange, type Version } from "@aibos/domain";
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
import { dataVersionOf } from "./only-live-version.ts";
import { requireUpgrade } from "./require-upgrade.ts";

/** Brings a second version up on the same data. It gets no traffic yet. */
export async function planSideBySide(facts: DecisionFacts, version: Version, today: string): Promise<Decision> {
  const { state, modules } = facts;
  const { tenant, module, live } = state;
  const versions = live.map((instance) => instance.version);
  if (versions.includes(version)) throw new AlreadyOnVersionError(tenant, module, version);
  const data = dataVersionOf(state);
  const path = await requireUpgrade(facts, data, version, today);
  const { compatibleWith } = (await modules.getVersion(module, version)).manifest.data;
  for (const old of versions) {
    if (compatibleWith === undefined || !satisfiesRange(old, compatibleWith)) {
      throw new SideBySideUnsupportedError(module, old, version);
    }
  }
  const weights = Object.fromEntries(live.map((instance) => [instance.version, instance.weight]));
  const instances = Object.fromEntries(live.map((instance) => [instance.version, instance.status]));
  return {
    fromVersion: data,
    toVersion: version,
    path,
    steps: [
      plan(validate, { versions: path.slice(1) }),
      plan(deploy, { version }),
      plan(hold, { reason: `bringing up ${version} beside ${versions.join(", ")}` }),
      // Those that stay too: what a gateway that nobody hears of still sends must not be written while this can fail.
      plan(drain, { after: "hold", revoke: versions }),
      plan(countWrites, {}),
      plan(rollbackPoint, {
        version: versions[0] ?? data,
        dataVersion: data,
        reason: `before ${version} beside ${versions.join(", ")}`,
      }),
      ...hopsAlong(path),
      ...[version, ...versions].map((allowed) => plan(grant, { version: allowed })),
      plan(probe, { versions: [version, ...versions] }),
      plan(route, {
        weights: { ...weights, [version]: 0 },
        instances: { ...instances, [version]: "standby" },
        result: version,
        release: true,
      }),
      plan(confirm, {}),
    ],
  };
}
