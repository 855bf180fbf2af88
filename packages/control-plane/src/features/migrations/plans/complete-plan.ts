import { AlreadyOnVersionError, VersionNotLiveError } from "@aibos/contract";
import type { Version } from "@aibos/domain";
import { plan } from "../migration-step.ts";
import { confirm } from "../steps/confirm.ts";
import { contract } from "../steps/contract.ts";
import { drain } from "../steps/drain.ts";
import { probe } from "../steps/probe.ts";
import { route } from "../steps/route.ts";
import type { Decision, DecisionFacts } from "./decision.ts";
import { asked, draining, statesByWeight } from "./instance-states.ts";

/**
 * Ends side by side in favour of a version: those before it retire, and it gets their requests. Newer ones stay. What
 * only the retired ones need of the data goes with them.
 */
export function planComplete({ state }: DecisionFacts, version: Version): Decision {
  const { tenant, module, live } = state;
  const position = live.findIndex((instance) => instance.version === version);
  const target = live[position];
  if (target === undefined) {
    throw new VersionNotLiveError(
      tenant,
      module,
      version,
      live.map((instance) => instance.version),
    );
  }
  const retiring = live.slice(position + 1);
  const staying = live.slice(0, position + 1);
  const [newestRetiring] = retiring;
  if (newestRetiring === undefined) throw new AlreadyOnVersionError(tenant, module, version);
  const freed = retiring.reduce((sum, instance) => sum + instance.weight, 0);
  const weights = Object.fromEntries(
    staying.map((instance) => [instance.version, instance.weight + (instance === target ? freed : 0)]),
  );
  const instances = statesByWeight(staying, weights);
  const end = { weights, instances, result: version };
  const ownData = retiring.some(({ dataVersion }) => dataVersion !== target.dataVersion);
  return {
    fromVersion: newestRetiring.version,
    toVersion: version,
    path: [...retiring.map((instance) => instance.version).toReversed(), version],
    steps: [
      plan(probe, { versions: asked({ [version]: { status: "active", dataVersion: target.dataVersion } }) }),
      plan(route, {
        weights: { ...weights, ...Object.fromEntries(retiring.map((instance) => [instance.version, 0])) },
        instances: { ...instances, ...draining(retiring) },
        result: version,
        release: false,
      }),
      plan(drain, { after: "route", revoke: retiring.map((instance) => instance.version) }),
      ...(ownData
        ? [plan(contract, { version: target.dataVersion, ...end }), plan(confirm, { after: "contract" })]
        : [plan(route, { ...end, release: false }), plan(confirm, { after: "route" })]),
    ],
  };
}
