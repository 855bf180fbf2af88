import type { Version } from "@aibos/domain";
import type { StepKind } from "../migration-step.ts";

/** Asks the versions' processes whether they can serve this tenant, before any user does. */
export const probe: StepKind<{ versions: Version[] }> = {
  name: "probe",
  title: ({ versions }) => `ask ${versions.join(", ")} whether ${versions.length === 1 ? "it" : "they"} can serve`,
  async outside(run) {
    const answers: Record<string, unknown> = {};
    for (const version of run.with.versions) {
      const url = await run.platform.deployments.ensure({ module: run.module, version });
      answers[version] = await run.platform.probe.check(run, version, url);
    }
    return answers;
  },
};
