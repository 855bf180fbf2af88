import { type Command, InvalidArgumentError, Option } from "commander";
import type { FleetUpgradeOptionsInput } from "@aibos/contract";
import { collect, parseCount, parsePair, parseSeconds } from "./option-values.ts";

/** The options of `force-upgrade-all`, as the command line has them. */
export interface FleetFlags {
  readonly batchSize?: number;
  readonly delay?: number;
  readonly exclude?: readonly string[];
  readonly label?: readonly string[];
  readonly concurrency?: number;
  readonly perDataStore?: number;
  readonly canary?: readonly string[];
  readonly waves?: string;
  readonly maxFailures?: string;
  readonly maxFailuresPerWave?: string;
  readonly onFailure?: "rollback" | "leave";
  readonly observe?: number;
  readonly soak?: number;
  readonly timeout?: number;
  readonly window?: "tenant" | "now";
  readonly reason?: NonNullable<FleetUpgradeOptionsInput["reason"]>;
  readonly note?: string;
  readonly deadline?: string;
  readonly at?: string;
  readonly ignoreMeasurements?: boolean;
}

const REASONS = ["security", "compliance", "eol", "feature", "other"];

export function fleetOptions(command: Command): Command {
  return command
    .option("--batch-size <n>", "tenants in a batch (default: 50)", parseCount)
    .option("--delay <time>", "between batches, such as 30s or 10m (default: none)", parseSeconds)
    .option("--exclude <tenant[=reason]>", "leaves a tenant out; may be given more than once", collect)
    .option("--label <key=value>", "only tenants with this label; may be given more than once", collect)
    .option("--concurrency <n>", "tenants at once in each control-plane process (default: 4)", parseCount)
    .option("--per-data-store <n>", "tenants at once in a data store, in all", parseCount)
    .option("--canary <key=value>", "the label of tenants that go first (default: canary=true)", collect)
    .option("--waves <list>", "such as canary:30m,1:10m,10:5m,100 — up to which percent, and how long to watch it then")
    .option("--max-failures <n>", "failures that are borne before it halts, such as 3 or 5% (default: 10%)")
    .option("--max-failures-per-wave <n>", "the same in each wave")
    .addOption(new Option("--on-failure <what>", "what becomes of who fails").choices(["rollback", "leave"]))
    .option("--observe <time>", "how long each tenant's new version is watched before it counts as moved", parseSeconds)
    .option("--soak <time>", "how long each tenant's old data stays, so that going back loses nothing", parseSeconds)
    .option("--timeout <time>", "how long a tenant may take before it is put back (default: 15m)", parseSeconds)
    .addOption(
      new Option("--window <which>", "whether tenants' windows count (default: tenant)").choices(["tenant", "now"]),
    )
    .addOption(new Option("--reason <reason>", "why, for those who are told").choices(REASONS))
    .option("--note <text>", "more about it, for those who are told")
    .option("--deadline <time>", "until then tenants may put it off, ISO 8601 with an offset or Z")
    .option("--at <time>", "begins then, ISO 8601 with an offset or Z")
    .option("--ignore-measurements", "does not halt on error rates and latencies");
}

/** As the API has them: what was not said is left out. */
export function optionsOf(flags: FleetFlags): FleetUpgradeOptionsInput {
  const { exclude, label, canary, waves, maxFailures, maxFailuresPerWave } = flags;
  const given = {
    batchSize: flags.batchSize,
    delayBetweenBatches: flags.delay === undefined ? undefined : flags.delay * 1_000,
    excludeTenants: exclude?.map(readExclusion),
    labels: label === undefined ? undefined : Object.fromEntries(label.map((one) => parsePair(one))),
    concurrency: flags.concurrency,
    concurrencyPerDataStore: flags.perDataStore,
    canaryLabels: canary === undefined ? undefined : Object.fromEntries(canary.map((one) => parsePair(one))),
    waves: waves === undefined ? undefined : waves.split(",").map(readWave),
    maxFailures: maxFailures === undefined ? undefined : readLimit(maxFailures),
    maxFailuresPerWave: maxFailuresPerWave === undefined ? undefined : readLimit(maxFailuresPerWave),
    onFailure: flags.onFailure,
    observe: flags.observe,
    soak: flags.soak,
    tenantTimeoutSeconds: flags.timeout,
    window: flags.window,
    reason: flags.reason,
    note: flags.note,
    deadline: flags.deadline,
    scheduledTime: flags.at,
    judgement: flags.ignoreMeasurements === true ? { enabled: false } : undefined,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function readExclusion(text: string) {
  if (!text.includes("=")) return text;
  const [tenant, reason] = parsePair(text, "tenant=reason");
  return { tenant, reason };
}

function readWave(text: string) {
  const [upTo = "", soak] = text.trim().split(":");
  const percent = Number(upTo.replace(/%$/, ""));
  if (upTo !== "canary" && !(percent > 0 && percent <= 100)) {
    throw new InvalidArgumentError(`--waves: "${text}" must begin with "canary" or a share from 0 to 100 percent.`);
  }
  const soakSeconds = soak === undefined ? 0 : parseSeconds(soak);
  return { upTo: upTo === "canary" ? ("canary" as const) : percent, soakSeconds };
}

function readLimit(text: string): number | string {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  if (/^\d{1,3}(\.\d+)?%$/.test(text)) return text;
  throw new InvalidArgumentError('--max-failures must be a number such as 3, or a share such as "5%".');
}
