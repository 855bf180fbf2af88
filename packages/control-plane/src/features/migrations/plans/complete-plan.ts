import { AlreadyOnVersionError, VersionNotLiveError } from "@aibos/contract";
import type { Version } from "@aibos/domain";
import { DataNotReversibleError } from "../data-not-reversible-error.ts";
import { plan } from "../migration-step.ts";
import { confirm } from "../steps/confirm.ts";
import { drain } from "../steps/drain.ts";
import { probe } from "../steps/probe.ts";
import { route } from "../steps/route.ts";
import { ALL, type Decision, type DecisionFacts } from "./decision.ts";
import { dataVersionOf } from "./only-live-version.ts";

/** Ends side by side in favour of the newest version: all requests to it, and the others retire. */
export function planComplete({ state }: DecisionFacts, version: Version): Decision {
  const { tenant, module, live } = state;
  const versions = live.map((instance) => instance.version);
  if (!versions.includes(version)) throw new VersionNotLiveError(tenant, module, version, versions);
  const others = versions.filter((other) => other !== version);
  if (others.length === 0) throw new AlreadyOnVersionError(tenant, module, version);
  const data = dataVersionOf(state);
  if (data !== version) {
    throw new DataNotReversibleError(
      module,
      data,
      version,
      `completing keeps the newest version, ${data}; go back with "aibos-versions rollback-tenant -t ${tenant} -m ${module}".`,
    );
  }
  const weights = { [version]: ALL };
  return {
    fromVersion: others[0] ?? version,
    toVersion: version,
    path: [...others.toReversed(), version],
    steps: [
      plan(probe, { versions: [version] }),
      plan(route, {
        weights: { ...weights, ...Object.fromEntries(others.map((other) => [other, 0])) },
        instances: { [version]: "active", ...Object.fromEntries(others.map((other) => [other, "draining" as const])) },
        result: version,
        release: false,
      }),
      plan(drain, { after: "route", revoke: others }),
      plan(route, { weights, instances: { [version]: "active" }, result: version, release: false }),
      plan(confirm, {}),
    ],
  };
}
