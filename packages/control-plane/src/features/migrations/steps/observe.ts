import { ObservationFailedError } from "@aibos/contract";
import { judgeAfterSwitch, type Version } from "@aibos/domain";
import { judgementPolicyOf, resolvePolicy } from "../../rollouts/resolve-policy.ts";
import type { StepKind, StepRun } from "../migration-step.ts";

interface Watched {
  readonly version: Version;
  readonly dataVersion: Version;
  /** The version that served before. */
  readonly before: Version;
  readonly seconds: number;
}

/** So often the version is asked whether it serves the tenant. */
const PROBE_MS = 2_000;
/** So often in a row it must not, until that counts. */
const PROBES = 3;
/** So often its measurements are looked at. */
const LOOK_MS = 5_000;
const TICK_MS = 250;

/**
 * Watches the version that requests were switched to: whether it serves the tenant when it is asked, and whether users'
 * requests fail more often or take longer than before the switch, beyond chance. The release's rollout policy says by
 * how much and with what certainty. A successor watches for what is left of the time.
 */
export const observe: StepKind<Watched> = {
  name: "observe",
  title: ({ version, seconds }) => `watch ${version} for ${seconds} s`,
  async outside(run) {
    const { platform } = run;
    const since = await run.fenced(async (_tx, noted, note) => {
      const begun = typeof noted["since"] === "number" ? noted["since"] : platform.now();
      await note({ ...noted, since: begun });
      return begun;
    });
    const until = since + run.with.seconds * 1_000;
    let [probeAt, lookAt] = [0, since + LOOK_MS];
    let failures = 0;
    for (;;) {
      await run.stopIfCancelled();
      const at = platform.now();
      if (at >= probeAt || at >= until) {
        probeAt = at + PROBE_MS;
        const reason = await unhealthy(run);
        failures = reason === undefined ? 0 : failures + 1;
        if (reason !== undefined && (failures >= PROBES || at >= until)) throw failed(run, reason);
      }
      if (at >= lookAt || at >= until) {
        lookAt = at + LOOK_MS;
        const judgement = await judge(run, since);
        if (judgement.verdict === "fail") throw failed(run, judgement.sentence);
        if (at >= until) return { seconds: run.with.seconds, verdict: judgement.verdict, sentence: judgement.sentence };
      }
      await platform.sleep(Math.min(TICK_MS, Math.max(1, until - at)));
    }
  },
};

async function unhealthy(run: StepRun<Watched>): Promise<string | undefined> {
  const { module, platform } = run;
  const { version, dataVersion } = run.with;
  try {
    const url = await platform.deployments.ensure({ module, version });
    await platform.probe.check(run, { version, dataVersion }, url);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function judge(run: StepRun<Watched>, since: number) {
  const { tenant, module, platform } = run;
  const { version, before, seconds } = run.with;
  const { manifest } = await platform.modules.getVersion(module, version);
  const windows = await platform.windows.read({
    module,
    oldVersion: before,
    newVersion: version,
    tenants: [tenant],
    from: since - seconds * 1_000,
    to: platform.now(),
  });
  const of = (which: "old" | "fresh") =>
    windows.flatMap(({ tenants }) => {
      const window = tenants[tenant]?.[which];
      return window === undefined || window.requests === 0 ? [] : [window];
    });
  return judgeAfterSwitch(
    { before: of("old"), after: of("fresh") },
    judgementPolicyOf(resolvePolicy(manifest.rollout), 0),
  );
}

function failed({ module, with: { version } }: StepRun<Watched>, reason: string): ObservationFailedError {
  return new ObservationFailedError(module, version, reason);
}
