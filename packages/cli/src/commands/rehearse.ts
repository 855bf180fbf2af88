import { EXIT } from "../exit-codes.ts";
import { rehearsalText } from "../output/rehearsal-text.ts";
import type { CommandContext } from "./command-context.ts";
import { followSteps, showMigration } from "./follow-operation.ts";
import type { VersionedTarget } from "./target.ts";

/** Rehearses a migration and shows the report; exit code 1 when it has not passed. */
export async function rehearse(context: CommandContext, options: VersionedTarget & { wait: boolean }): Promise<void> {
  const { tenant, module, version } = options;
  const client = await context.connect();
  const started = await client.start(tenant, module, { kind: "rehearse", version });
  if (!options.wait) return showMigration(context, started);
  const ended = started.finishedAt === null ? await followSteps(context, client, started) : started;
  if (ended === undefined) return undefined;
  const report = ended.result.rehearsal;
  if (report === undefined || ended.status === "cancelled") return showMigration(context, ended);
  const { output } = context;
  await output.answer(report, () => rehearsalText(options, report, output));
  if (!report.passed) context.endWith(EXIT.failed);
  return undefined;
}
