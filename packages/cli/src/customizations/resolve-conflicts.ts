import {
  ConfigInvalidError,
  type CustomizationConflict,
  type MultiVersionService,
  type UpgradeAdvice,
} from "@aibos/contract";
import type { CommandContext } from "../commands/command-context.ts";
import type { ResolveOptions } from "../commands/resolve-conflicts.ts";
import { readPages } from "../commands/page-options.ts";
import { EXIT } from "../exit-codes.ts";
import { adviceText } from "../output/advice-text.ts";
import { conflictTitle } from "../output/conflict-panes.ts";
import { oneLine } from "../output/plain-text.ts";
import { askForDecisions, type DecidedConflict } from "./ask-for-decisions.ts";
import { handMergedValue } from "./hand-merged-value.ts";
import { readContent } from "./customization-work.ts";

/** @throws ConfigInvalidError for options that don't go together */
export async function resolveConflicts(context: CommandContext, options: ResolveOptions): Promise<void> {
  checkOptions(options);
  const { output } = context;
  const client = await context.connect();
  const advice = await adviceFor(client, options);
  const found = (await findConflicts(client, options)).filter(
    ({ name, path }) => (options.name ?? name) === name && (options.path ?? path) === path,
  );
  if (!output.json && advice !== undefined) output.line(adviceText(advice, output.colors));
  const decided = await decide(context, client, options, found);
  const left = found.filter(({ id }) => !decided.some((one) => one.conflict === id));
  await output.answer({ decided, left, advice: advice ?? null }, () => summaryText(context, decided, left));
  const nothingFits = options.strategy !== undefined && found.length === 0;
  if (left.length > 0 || nothingFits || (advice !== undefined && advice.explanation.length > 0))
    context.endWith(EXIT.failed);
}

function checkOptions({ strategy, file, version, from, tenant }: ResolveOptions): void {
  if ((strategy === "value") !== (file !== undefined)) {
    throw new ConfigInvalidError("--strategy value and --file go together: the file holds the value.");
  }
  if (version !== undefined && from === undefined && tenant === undefined) {
    throw new ConfigInvalidError("-v needs --from, for all tenants on that version, or -t, for one tenant.");
  }
  if (from !== undefined && version === undefined) throw new ConfigInvalidError("--from needs -v, where to.");
}

/** Conflicts that tenants met; of an upgrade that is only looked at, those that they would meet. */
async function findConflicts(client: MultiVersionService, options: ResolveOptions): Promise<CustomizationConflict[]> {
  const { tenant, module, version, from } = options;
  if (version !== undefined && from !== undefined && tenant === undefined) {
    return (await client.customizationImpact(module, from, version)).conflicts;
  }
  // What one tenant would meet is noted when its move is looked at.
  if (version !== undefined && tenant !== undefined) await client.validateMigration(tenant, module, version);
  const filter = tenant === undefined ? {} : { tenant };
  const { items } = await readPages({ all: true }, (page) => client.listConflicts(module, { ...page, ...filter }));
  return items;
}

/** Only where the tenant's modules are what stands in the way. */
async function adviceFor(client: MultiVersionService, options: ResolveOptions): Promise<UpgradeAdvice | undefined> {
  const { tenant, module, version } = options;
  if (tenant === undefined || version === undefined) return undefined;
  const { errors } = await client.validateMigration(tenant, module, version);
  const unmet = errors.some(({ code }) => code === "AIBOS_DEPENDENCY_UNMET");
  return unmet ? client.adviseUpgrade(tenant, module, version) : undefined;
}

async function decide(
  context: CommandContext,
  client: MultiVersionService,
  options: ResolveOptions,
  found: readonly CustomizationConflict[],
): Promise<DecidedConflict[]> {
  const { strategy, file, module, tenant, author } = options;
  const scope = { ...(tenant === undefined ? {} : { tenant }), ...(author === undefined ? {} : { author }) };
  if (strategy === undefined) {
    const asks = context.output.live && process.stdin.isTTY && found.length > 0;
    return asks ? askForDecisions(context, client, { module, scope, conflicts: found }) : [];
  }
  const text = file === undefined ? undefined : await readContent(file);
  const decided: DecidedConflict[] = [];
  for (const conflict of found) {
    const value = text === undefined ? {} : { value: handMergedValue(conflict, text) };
    const { id } = await client.resolveConflict(module, { conflict: conflict.id, take: strategy, ...value, ...scope });
    decided.push({ conflict: conflict.id, resolution: id, take: strategy });
  }
  return decided;
}

function summaryText(
  { output: { colors } }: CommandContext,
  decided: readonly DecidedConflict[],
  left: readonly CustomizationConflict[],
): string {
  const lines = left.map((conflict) => `${colors.yellow("●")} ${conflictTitle(conflict)}`);
  const behind = decided.length === 0 ? [] : [`${colors.green("✔")} ${oneLine(`${decided.length} decided.`)}`];
  if (left.length === 0) return [...behind, "Nothing is left to decide."].join("\n");
  return [...behind, ...lines, `${left.length} left to decide.`].join("\n");
}
