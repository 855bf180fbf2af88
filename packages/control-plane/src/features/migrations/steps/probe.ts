import type { Version } from "@aibos/domain";
import { tellOutput } from "./tell-output.ts";
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
      const name = { module: run.module, version };
      answers[version] = await tellOutput({ ...run, name }, async () => {
        const url = await run.platform.deployments.ensure(name);
        return run.platform.probe.check(run, subject, url);
      });
    }
    return answers;
  },
};
