import type { Migration, MultiVersionService, OperationInput } from "@aibos/contract";
import { EXIT } from "../exit-codes.ts";
import { outcomeText } from "../output/migration-text.ts";
import { oneLine } from "../output/plain-text.ts";
import { createStepView, type StepView } from "../output/step-view.ts";
import type { CommandContext } from "./command-context.ts";
import type { Target } from "./target.ts";

/** Starts an operation and, unless told otherwise, shows its steps until it has ended. */
export async function runOperation(
  context: CommandContext,
  { tenant, module }: Target,
  operation: OperationInput,
  options: { readonly wait?: boolean } = {},
): Promise<void> {
  const client = await context.connect();
  const started = await client.start(tenant, module, operation);
  if (options.wait === false) await showMigration(context, started);
  else await followMigration(context, client, started);
}

/**
 * Shows a migration's steps until it has ended, then how it ended. Ctrl-C ends the showing alone: the operation runs in
 * the server, which goes on.
 */
export async function followMigration(
  context: CommandContext,
  client: MultiVersionService,
  started: Migration,
  options: { /** Also what is run and said meanwhile. */ readonly withLog?: boolean } = {},
): Promise<void> {
  if (started.finishedAt !== null || started.status === "scheduled") return showMigration(context, started);
  const last = await followSteps(context, client, started, options);
  return last === undefined ? undefined : showMigration(context, last);
}

/** The same without how it ended, which it resolves to; undefined after Ctrl-C. */
export async function followSteps(
  context: CommandContext,
  client: MultiVersionService,
  started: Migration,
  options: { readonly withLog?: boolean } = {},
): Promise<Migration | undefined> {
  const { output } = context;
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  const view = createStepView(output);
  let interrupted = false;
  let last = started;
  // Nothing depends on it: when it can't be read any more, the steps are shown alone.
  const telling =
    options.withLog === true
      ? tellLog(client, started.id, { view, signal: interrupt.signal }).catch(() => undefined)
      : undefined;
  try {
    view.update(started);
    for await (const migration of client.watchMigration(started.id, interrupt.signal)) {
      last = migration;
      view.update(migration);
      if (migration.status === "paused") break;
    }
    if (last.finishedAt !== null) await telling;
  } catch (error) {
    view.end();
    // Nobody can be asked any more. What was started is not lost with the connection.
    output.aside(`The operation goes on, or will when the server is back. ${howItStands(last)}`);
    throw error;
  } finally {
    view.end();
    process.off("SIGINT", onInterrupt);
    // Of one that is paused nothing more is shown.
    if (last.finishedAt === null) interrupted ||= interrupt.signal.aborted;
    interrupt.abort();
  }
  if (interrupted) {
    output.line(`The operation goes on. ${howItStands(last)}`);
    if (output.json) output.document(last);
    context.endWith(EXIT.interrupted);
    return undefined;
  }
  return last;
}

async function tellLog(
  client: MultiVersionService,
  id: string,
  { view, signal }: { view: StepView; signal: AbortSignal },
): Promise<void> {
  for await (const line of client.watchMigrationLog(id, { signal })) view.say(line);
}

function howItStands({ id }: Migration): string {
  return `See how it stands: aibos-versions migration-status ${oneLine(id)} --watch`;
}

/** One line on how a migration stands. @throws MigrationFailedError when it has failed */
export async function showMigration({ output }: CommandContext, migration: Migration): Promise<void> {
  await throwIfFailed(migration);
  await output.answer(migration, () => {
    const text = outcomeText(migration, output.colors);
    if (migration.finishedAt !== null) return text;
    return `${text}\n  Follow it with: aibos-versions migration-status ${oneLine(migration.id)} --watch`;
  });
}

async function throwIfFailed(migration: Migration): Promise<void> {
  const { id, status, failure, step } = migration;
  const { isHalted, MigrationFailedError } = await import("@aibos/contract");
  if (status !== "failed" && status !== "rolled-back" && !isHalted(migration)) return;
  throw new MigrationFailedError({
    migrationId: id,
    step: failure?.step ?? step ?? "start",
    reason: failure?.message ?? "No reason was recorded.",
    outcome: status,
  });
}
