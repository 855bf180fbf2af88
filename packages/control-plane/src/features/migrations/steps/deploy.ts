import type { Version } from "@aibos/domain";
import { tellOutput } from "./tell-output.ts";
import type { StepKind } from "../migration-step.ts";

/** Has a healthy process of the version. What nobody needs after a failure is stopped by the deployments' own loop. */
export const deploy: StepKind<{ version: Version }> = {
  name: "deploy",
  title: ({ version }) => `start ${version}`,
  outside: ({ module, with: { version }, platform, log }) =>
    tellOutput({ name: { module, version }, platform, log }, async () => ({
      version,
      url: await platform.deployments.ensure({ module, version }),
    })),
};
