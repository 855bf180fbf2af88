import { Command } from "commander";
import manifest from "../package.json" with { type: "json" };
import type { Run } from "./commands/command-context.ts";
import { EXIT_MEANINGS } from "./exit-codes.ts";
import { commonOptions } from "./commands/common-options.ts";
import { addCleanupCommand } from "./commands/cleanup.ts";
import { addFleetCommands } from "./commands/fleet-upgrades.ts";
import { addFreezeCommands } from "./commands/freezes.ts";
import { addGatewayCommands } from "./commands/gateway.ts";
import { addHealthCommand } from "./commands/health.ts";
import { addMigrationCommands } from "./commands/migrations.ts";
import { addCustomFieldCommands } from "./commands/custom-fields.ts";
import { addBackupCommands } from "./commands/backups.ts";
import { addRetentionCommands } from "./commands/retention.ts";
import { addCustomizationCommands } from "./commands/customizations.ts";
import { addDeploymentCommands, addModuleCommands } from "./commands/modules.ts";
import { addOperationCommands } from "./commands/operations.ts";
import { addMirrorCommand } from "./commands/mirror.ts";
import { addPerformanceCommands } from "./commands/performance.ts";
import { addPublishCommand } from "./commands/publish.ts";
import { addRollbackPointCommands } from "./commands/rollback-points.ts";
import { addResolveConflictsCommand } from "./commands/resolve-conflicts.ts";
import { addFlagCommands } from "./commands/flags.ts";
import { addRolloutCommands } from "./commands/rollouts.ts";
import { addRoutingCommands } from "./commands/routing.ts";
import { addRuleCommands } from "./commands/rules.ts";
import { addStatisticsCommands } from "./commands/statistics.ts";
import { addTenantCommands } from "./commands/tenants.ts";
import { addUpgradePolicyCommands } from "./commands/upgrade-policies.ts";
import { addUpCommand } from "./commands/up.ts";

/**
 * The whole command line: names, options, help. Definitions alone are loaded with it; what a command does, it loads when
 * it runs, so that help is there at once.
 */
export function createProgram(run: Run): Command {
  const program = new Command("aibos-versions")
    .description("Runs many versions of a module at once, moves tenants between them, and undoes it at once.")
    .version(manifest.version, "-V, --version", "prints this program's version")
    .helpOption("-h, --help", "prints this help")
    .helpCommand("help [command]", "prints a command's help")
    .enablePositionalOptions()
    .showSuggestionAfterError();

  program.commandsGroup("Begin:");
  addUpCommand(program, run);
  addPublishCommand(program, run);
  program.commandsGroup("Look:");
  addHealthCommand(program, run);
  addPerformanceCommands(program, run);
  addModuleCommands(program, run);
  addDeploymentCommands(program, run);
  addStatisticsCommands(program, run);
  addCleanupCommand(program, run);
  program.commandsGroup("Tenants:");
  addTenantCommands(program, run);
  program.commandsGroup("Change a tenant's version:");
  addOperationCommands(program, run);
  addRoutingCommands(program, run);
  addRuleCommands(program, run);
  addMirrorCommand(program, run);
  addRolloutCommands(program, run);
  program.commandsGroup("Customisations:");
  addCustomizationCommands(program, run);
  addCustomFieldCommands(program, run);
  addResolveConflictsCommand(program, run);
  program.commandsGroup("Upgrade a fleet:");
  addFleetCommands(program, run);
  addUpgradePolicyCommands(program, run);
  addFreezeCommands(program, run);
  addFlagCommands(program, run);
  program.commandsGroup("Traffic engines:");
  addGatewayCommands(program, run);
  program.commandsGroup("Follow and go back:");
  addMigrationCommands(program, run);
  addRollbackPointCommands(program, run);
  addBackupCommands(program, run);
  addRetentionCommands(program, run);

  program.addHelpText(
    "after",
    `
Each command's help has an example: aibos-versions <command> --help

Exit codes:
${Object.entries(EXIT_MEANINGS)
  .map(([code, meaning]) => `  ${code.padEnd(4)} ${meaning}`)
  .join("\n")}`,
  );

  for (const command of commandsOf(program)) {
    // Not inherited by those that were added before, so set on each.
    command.helpCommand(false).helpOption("-h, --help", "prints this help");
    if (command.commands.length === 0) commonOptions(command);
  }
  return commonOptions(program);
}

/** Every command below, groups included. */
export function commandsOf(parent: Command): Command[] {
  return parent.commands.flatMap((command) => [command, ...commandsOf(command)]);
}

/** What is typed to reach a command: `rollback-point create`. */
export function pathOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null && at.parent !== null; at = at.parent) names.unshift(at.name());
  return names.join(" ");
}
