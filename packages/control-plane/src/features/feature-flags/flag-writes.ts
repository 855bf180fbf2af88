import { type FlagRefusal, FlagsInvalidError, flagValueProblem, type FlagFeedChange } from "@aibos/contract";
import {
  type FlagDefinition,
  type FlagScope,
  type FlagSetting,
  type FlagValue,
  logicProblem,
  type ModuleId,
  parseSetting,
  type TenantId,
  type Version,
} from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";
import { requireNoFlagRollout } from "../rollouts/active-flag-rollout.ts";
import { applyFlagChanges } from "./apply-flag-changes.ts";
import { readConcerned, readFlagDefinitions } from "./flag-read-model.ts";
import { lockFlags, publishFlagChanges } from "./publish-flag-changes.ts";

/** Whose flags are changed. */
interface Pair {
  readonly tenant: TenantId;
  readonly module: ModuleId;
}

/** For the history. */
interface Note {
  readonly reason?: string | undefined;
  readonly author: string;
}

/** All that changes flags; each is one transaction, and one entry of the history for each flag. */
export interface FlagWrites {
  /** All or none. @throws FlagsInvalidError */
  update(
    pair: Pair,
    flags: Readonly<Record<string, FlagValue>>,
    options: Note & { user?: string | undefined },
  ): Promise<void>;
  /** @throws FlagNotFoundError, FlagsInvalidError */
  setRule(
    module: ModuleId,
    flag: string,
    rule: Note & { scope: FlagScope; setting: Readonly<Record<string, unknown>> | null },
  ): Promise<number>;
  /** @throws FlagNotFoundError */
  kill(module: ModuleId, flag: string, killed: boolean, note: Note): Promise<number>;
  /** @throws FlagsInvalidError */
  setSegment(module: ModuleId, segment: string, when: unknown, note: Note): Promise<number>;
}

export function createFlagWrites(database: ControlDatabase): FlagWrites {
  return {
    update: ({ tenant, module }, flags, { user, reason, author }) =>
      database.transaction(async (tx) => {
        await lockFlags(tx);
        const declared = await readDeclared(tx, module, await readReceivers(tx, { tenant, module }));
        const refusals: FlagRefusal[] = [];
        const scope: FlagScope = user === undefined ? { level: "tenant", tenant } : { level: "user", tenant, user };
        const changes = new Map<string, FlagFeedChange[]>();
        for (const [flag, value] of Object.entries(flags)) {
          const source = value === null ? null : { value };
          const { made, refused } = changesOf(flag, { scope, source, declared });
          refusals.push(...refused);
          changes.set(flag, made);
        }
        if (refusals.length > 0) throw new FlagsInvalidError(`tenant "${tenant}", module "${module}"`, refusals);
        for (const [flag, after] of changes) {
          const before = await applyFlagChanges(tx, module, after);
          await publishFlagChanges(tx, { module, flag, tenant, kind: "setting", before, after, reason, author });
        }
      }),

    setRule: (module, flag, { scope, setting, reason, author }) =>
      database.transaction(async (tx) => {
        await lockFlags(tx);
        const tenant = "tenant" in scope ? (scope.tenant as TenantId) : null;
        if (tenant === null) await requireNoFlagRollout(tx.db, module, flag);
        const versions =
          tenant === null ? await readConcerned(tx, module, flag) : await readReceivers(tx, { tenant, module });
        const declared = await readDeclared(tx, module, versions);
        const { made, refused } = changesOf(flag, { scope, source: setting, declared });
        if (refused.length > 0) throw new FlagsInvalidError(`module "${module}"`, refused);
        // A rule of the module or a segment is for every version at once.
        const after = tenant === null ? made.slice(0, 1).map((change) => ({ ...change, version: null })) : made;
        const before = await applyFlagChanges(tx, module, after);
        return publishFlagChanges(tx, {
          module,
          flag,
          tenant,
          kind: "setting",
          before,
          after,
          reason,
          author,
        });
      }),

    kill: (module, flag, killed, { reason, author }) =>
      database.transaction(async (tx) => {
        await lockFlags(tx);
        await readConcerned(tx, module, flag);
        const after: FlagFeedChange[] = [{ kind: "kill", flag, killed }];
        const before = await applyFlagChanges(tx, module, after);
        return publishFlagChanges(tx, { module, flag, tenant: null, kind: "kill", before, after, reason, author });
      }),

    setSegment: (module, segment, when, { reason, author }) =>
      database.transaction(async (tx) => {
        await lockFlags(tx);
        const [problem] = when == null ? [] : logicProblem(when, []);
        if (problem !== undefined) {
          const flag = `segment ${segment}`;
          throw new FlagsInvalidError(`module "${module}"`, [
            { flag, message: `${problem.path.join(".")} ${problem.message}` },
          ]);
        }
        const after: FlagFeedChange[] = [{ kind: "segment", segment, when: when ?? null }];
        const before = await applyFlagChanges(tx, module, after);
        return publishFlagChanges(tx, {
          module,
          flag: null,
          tenant: null,
          kind: "segment",
          before,
          after,
          reason,
          author,
        });
      }),
  };
}

interface Declared {
  readonly version: Version;
  readonly definitions: readonly FlagDefinition[];
}

/** Versions that get a tenant's values: those that are live, and one that an operation brings up right now. */
async function readReceivers(tx: ControlTransaction, { tenant, module }: Pair): Promise<Version[]> {
  const { live, migrationId } = await readTenantModule(tx.db, tenant, module);
  const versions = live.map(({ version }) => version);
  if (migrationId === null) return versions;
  const arriving = await tx.db
    .selectFrom("migration_records as r")
    .innerJoin("migration_steps as s", "s.migration_id", "r.id")
    .select("r.to_version")
    .where("r.id", "=", migrationId)
    .where("s.name", "=", "carry-flags")
    .where("s.status", "=", "succeeded")
    .executeTakeFirst();
  const version = arriving?.to_version;
  return version == null || versions.includes(version) ? versions : [...versions, version];
}

async function readDeclared(
  tx: ControlTransaction,
  module: ModuleId,
  versions: readonly Version[],
): Promise<Declared[]> {
  const declared: Declared[] = [];
  for (const version of versions) {
    declared.push({ version, definitions: await readFlagDefinitions(tx.db, module, version) });
  }
  return declared;
}

/** A flag's setting for each version that declares it, or what is wrong with it for any of them. */
function changesOf(
  flag: string,
  {
    scope,
    source,
    declared,
  }: { scope: FlagScope; source: Readonly<Record<string, unknown>> | null; declared: readonly Declared[] },
): { made: FlagFeedChange[]; refused: FlagRefusal[] } {
  const made: FlagFeedChange[] = [];
  const refused: FlagRefusal[] = [];
  let isKnown = false;
  for (const { version, definitions } of declared) {
    const definition = definitions.find(({ key }) => key === flag);
    if (definition === undefined) continue;
    isKnown = true;
    const checked = source === null ? { setting: null } : checkSetting(definition, source);
    if ("problems" in checked) {
      refused.push(...checked.problems.map((message) => ({ flag, message: `(${version}) ${message}` })));
    } else {
      made.push({ kind: "setting", flag, scope, version, setting: checked.setting });
    }
  }
  if (!isKnown) {
    const known = [...new Set(declared.flatMap(({ definitions }) => definitions.map(({ key }) => key)))].sort();
    const versions = declared.map(({ version }) => version).join(", ");
    const message = `is not declared by ${versions}; declared are ${known.slice(0, 20).join(", ") || "none"}`;
    refused.push({ flag, message });
  }
  return { made, refused };
}

function checkSetting(
  definition: FlagDefinition,
  source: Readonly<Record<string, unknown>>,
): { setting: FlagSetting } | { problems: string[] } {
  const { setting, problems } = parseSetting(source, definition);
  if (setting === undefined) {
    // The flag is named beside it.
    return {
      problems: problems.map(({ path, message }) => [path.slice(1).join("."), message].filter(Boolean).join(" ")),
    };
  }
  const problem = setting.value === undefined ? null : flagValueProblem(definition, setting.value);
  return problem === null ? { setting } : { problems: [`value does not fit the flag's schema: ${problem}`] };
}
