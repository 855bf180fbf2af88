import { randomBytes } from "node:crypto";
import type { ClientBase } from "pg";
import { differencesOf } from "../fingerprint/describe-difference.ts";
import { readStructure } from "../fingerprint/read-structure.ts";
import { CopyUnsupportedError } from "../schema-copy/copy-unsupported-error.ts";
import { assertStandsAlone } from "../schema-copy/outside-references.ts";
import type { BackupManifest } from "./backup-manifest.ts";
import { DefinitionNotAllowed } from "./check-definition.ts";
import { createOwnedSchema, setDefaultRights } from "./create-owned-schema.ts";
import { DefinitionFailed, runDefinitions } from "./run-definitions.ts";

/**
 * Makes the schema without its rows, as a restore will, compares it object by object, and takes it back: what a backup
 * would lack is met when it is written, not when it is needed.
 *
 * @throws CopyUnsupportedError
 */
export async function proveRestorable(
  client: ClientBase,
  manifest: Pick<BackupManifest, "schema" | "statements" | "structure">,
): Promise<void> {
  const { name, owner } = manifest.schema;
  const trial = { schema: `aibos_trial_${randomBytes(6).toString("hex")}`, owner };
  await client.query("savepoint trial");
  try {
    await createOwnedSchema(client, trial, manifest.schema);
    await runDefinitions(client, { ...trial, from: name }, [
      ...manifest.statements.beforeData,
      ...manifest.statements.afterData,
    ]);
    await setDefaultRights(client, trial, manifest.schema);
    await assertStandsAlone(client, { from: name, copy: trial.schema });
    const made = await readStructure(client, trial.schema);
    const differences = [...differencesOf(manifest.structure, made)];
    if (differences.length > 0) throw new CopyUnsupportedError(name, differences);
  } catch (error) {
    if (!(error instanceof DefinitionFailed) && !(error instanceof DefinitionNotAllowed)) throw error;
    throw new CopyUnsupportedError(name, [error.message], { cause: error });
  }
  await client.query("rollback to savepoint trial");
}
