import type { Version } from "@aibos/domain";
import { plan } from "../migration-step.ts";
import { confirm } from "../steps/confirm.ts";
import { createSchema } from "../steps/create-schema.ts";
import { deploy } from "../steps/deploy.ts";
import { grant } from "../steps/grant.ts";
import { hop } from "../steps/hop.ts";
import { probe } from "../steps/probe.ts";
import { route } from "../steps/route.ts";
import { requireUpgrade } from "./require-upgrade.ts";
import { active } from "./instance-states.ts";
import { ALL, type Decision, type DecisionFacts } from "./decision.ts";

/** A tenant's first version of a module. */
export async function planInstall(facts: DecisionFacts, version: Version, today: string): Promise<Decision> {
  await requireUpgrade(facts, null, version, today);
  return {
    fromVersion: null,
    toVersion: version,
    path: [version],
    steps: [
      plan(deploy, { version }),
      plan(createSchema, {}),
      plan(hop, { from: null, to: version }),
      plan(grant, { version }),
      plan(probe, { versions: [{ version, dataVersion: version }] }),
      plan(route, {
        weights: { [version]: ALL },
        instances: active(version, version),
        result: version,
        release: false,
      }),
      plan(confirm, { after: "route" }),
    ],
  };
}
