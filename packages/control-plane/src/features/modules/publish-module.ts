import { createHash } from "node:crypto";
import { sql } from "kysely";
import { type ModuleManifest, type Published, VersionExistsError } from "@aibos/contract";
import { checkMigrations, historyOf, type Migration, parseMigrations } from "@aibos/tenant-data";
import { readArchive } from "../../artifacts/read-archive.ts";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { ReleaseMigration } from "../../db/control-tables.ts";
import { versionSortKey } from "../../db/version-sort-key.ts";
import { readCustomizables, storeCustomFields, storeCustomizables } from "../customizations/publish-customizables.ts";
import { declareFlags } from "../feature-flags/declare-flags.ts";
import { checkHistory } from "./check-history.ts";

/** Stores a packed module version; the same content again changes nothing. */
export type ModulePublisher = (archive: Buffer) => Promise<Published>;

/**
 * @throws ArchiveInvalidError, ManifestInvalidError, MigrationFileError, MigrationDriftError, FlagsBreakingError, and VersionExistsError
 *   for other content under a version that was published
 */
export function createModulePublisher(database: ControlDatabase): ModulePublisher {
  return async (archive) => {
    const digest = createHash("sha256").update(archive).digest("hex");
    const { manifest, migrationFiles } = await readArchive(archive);
    const migrations = parseMigrations(migrationFiles);
    const customizables = await readCustomizables(archive, manifest);
    await checkMigrations(migrations);
    return database.transaction(async (tx) => {
      await lockModule(tx, manifest);
      const created = await isNew(tx, manifest, digest);
      const published = { module: manifest.id, version: manifest.version, digest, sizeBytes: archive.length, created };
      if (!created) {
        await bringBack(tx, digest, archive);
        return published;
      }
      await insertVersion(tx, { manifest, digest, archive, migrations: describeMigrations(migrations) });
      await storeCustomizables(tx, manifest, customizables);
      await storeCustomFields(tx, manifest, migrations);
      const flagBreaks = await declareFlags(tx, manifest);
      return flagBreaks.length === 0 ? published : { ...published, flagBreaks };
    });
  };
}

/** Makes the module known. Its row stays locked until the end: publishers of one module take turns. */
async function lockModule({ db }: ControlTransaction, { id, title }: ModuleManifest): Promise<void> {
  await db
    .insertInto("modules")
    .values({ id, title })
    .onConflict((conflict) => conflict.column("id").doUpdateSet({ id }))
    .execute();
}

async function isNew({ db }: ControlTransaction, { id, version }: ModuleManifest, digest: string): Promise<boolean> {
  const row = await db
    .selectFrom("module_versions")
    .select("digest")
    .where("module", "=", id)
    .where("version", "=", version)
    .executeTakeFirst();
  if (row !== undefined && row.digest !== digest) throw new VersionExistsError(id, version, row.digest, digest);
  return row === undefined;
}

/** An archive that was removed is there again. */
async function bringBack({ db }: ControlTransaction, digest: string, archive: Buffer): Promise<void> {
  await db
    .updateTable("artifacts")
    .set({ content: archive, removed_at: null })
    .where("digest", "=", digest)
    .where("content", "is", null)
    .execute();
}

async function insertVersion(
  { db }: ControlTransaction,
  release: { manifest: ModuleManifest; digest: string; archive: Buffer; migrations: ReleaseMigration[] },
): Promise<void> {
  const { manifest, digest, archive, migrations } = release;
  const { id: module, version, title, upgrades } = manifest;
  const published = await db
    .selectFrom("module_versions")
    .select(["version", "migrations", sql<ModuleManifest["upgrades"]>`manifest -> 'upgrades'`.as("upgrades")])
    .where("module", "=", module)
    .execute();
  checkHistory({ version, upgrades, migrations }, published);
  await db
    .insertInto("artifacts")
    .values({ digest, content: archive })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db
    .insertInto("module_versions")
    .values({
      module,
      version,
      title,
      digest,
      sort_key: versionSortKey(version),
      manifest: JSON.stringify(manifest),
      size_bytes: archive.length,
      migrations: JSON.stringify(migrations),
      external_url: null,
    })
    .execute();
  // The module is called what its newest version calls it.
  await db
    .updateTable("modules")
    .set({
      title: sql<string>`(select title from module_versions where module = ${module} order by sort_key desc limit 1)`,
    })
    .where("id", "=", module)
    .execute();
}

function describeMigrations(migrations: readonly Migration[]): ReleaseMigration[] {
  return historyOf(migrations).map(({ number, name, checksum }, index) => {
    const migration = migrations[index];
    const operations = migration?.kind === "operations";
    return {
      number,
      name,
      checksum,
      kind: operations ? "operations" : "sql",
      reversible: operations || (migration?.kind === "sql" && migration.down !== null),
    };
  });
}
