import type { Version } from "@aibos/domain";
import type { StepKind } from "../migration-step.ts";

/** Asks the versions' processes whether they can serve this tenant, before any user does. */
export const probe: StepKind<{ versions: { version: Version; dataVersion: Version }[] }> = {
  name: "probe",
  title: ({ versions }) =>
    `ask ${versions.map(({ version }) => version).join(", ")} whether ${versions.length === 1 ? "it" : "they"} can serve`,
  async outside(run) {
    const answers: Record<string, unknown> = {};
    for (const subject of run.with.versions) {
      const { version } = subject;
      const url = await run.platform.deployments.ensure({ module: run.module, version });
      answers[version] = await run.platform.probe.check(run, subject, url);
    }
    return answers;
  },
};
