import { type Kysely, sql } from "kysely";
import { ArtifactRemovedError, ModuleNotFoundError, type ModuleManifest, VersionNotFoundError } from "@aibos/contract";
import type { ModuleId, UpgradeRelease, Version } from "@aibos/domain";
import { type Migration, parseMigrations } from "@aibos/tenant-data";
import { readArchive } from "../../artifacts/read-archive.ts";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ControlTables, ReleaseMigration } from "../../db/control-tables.ts";
import { RecentlyUsed } from "./recently-used.ts";

/** A published version, as other features need it. It never changes, but for its external URL. */
export interface Release {
  readonly module: ModuleId;
  readonly version: Version;
  readonly manifest: ModuleManifest;
  /** SHA-256 of the archive, in hexadecimal. */
  readonly digest: string;
  /** Ascending; all of the module's history up to this version. */
  readonly migrations: readonly ReleaseMigration[];
  /** Where it runs, for the runtime driver "external"; null while nobody told. */
  readonly externalUrl: string | null;
}

export interface ModuleReadModel {
  /** @throws ModuleNotFoundError, VersionNotFoundError */
  getVersion(module: ModuleId, version: Version): Promise<Release>;
  /** The archive's bytes, by a published version's digest. @throws ArtifactRemovedError */
  getArchive(digest: string): Promise<Buffer>;
  /** The version's migration files, ascending. @throws ModuleNotFoundError, VersionNotFoundError */
  readMigrations(module: ModuleId, version: Version): Promise<readonly Migration[]>;
  /** All versions with what they say about upgrades, newest first. @throws ModuleNotFoundError */
  listReleases(module: ModuleId): Promise<UpgradeRelease[]>;
  /** Newest first; empty for an unknown module. */
  publishedVersions(module: ModuleId): Promise<Version[]>;
}

/** An error's message names at most so many published versions. */
const SHOWN_VERSIONS = 20;
/** Versions whose parsed migrations are kept in memory. */
const KEPT_MIGRATIONS = 64;

export function createModuleReadModel({ db }: ControlDatabase): ModuleReadModel {
  // A digest's content never changes, so that nothing here grows old.
  const migrations = new RecentlyUsed<Promise<readonly Migration[]>>(KEPT_MIGRATIONS);

  const publishedVersions = (module: ModuleId): Promise<Version[]> => readVersions(db, module);

  async function getVersion(module: ModuleId, version: Version): Promise<Release> {
    const row = await db
      .selectFrom("module_versions")
      .select(["manifest", "digest", "migrations", "external_url"])
      .where("module", "=", module)
      .where("version", "=", version)
      .executeTakeFirst();
    if (row === undefined) {
      const published = await publishedVersions(module);
      if (published.length === 0) throw new ModuleNotFoundError(module);
      throw new VersionNotFoundError(module, version, published.slice(0, SHOWN_VERSIONS));
    }
    const { external_url: externalUrl, ...release } = row;
    return { module, version, externalUrl, ...release };
  }

  async function getArchive(digest: string): Promise<Buffer> {
    const row = await db.selectFrom("artifacts").select("content").where("digest", "=", digest).executeTakeFirst();
    if (row === undefined) throw new Error(`The control database has no artifact ${digest}.`);
    if (row.content !== null) return row.content;
    const release = await db
      .selectFrom("module_versions")
      .select(["module", "version"])
      .where("digest", "=", digest)
      .executeTakeFirstOrThrow();
    throw new ArtifactRemovedError(release.module, release.version);
  }

  async function migrationsOf(digest: string): Promise<readonly Migration[]> {
    const { migrationFiles } = await readArchive(await getArchive(digest));
    return parseMigrations(migrationFiles);
  }

  return {
    getVersion,
    getArchive,
    publishedVersions,

    async readMigrations(module, version) {
      const { digest } = await getVersion(module, version);
      const kept = migrations.get(digest);
      if (kept !== undefined) return kept;
      const reading = migrationsOf(digest);
      migrations.set(digest, reading);
      reading.catch(() => migrations.delete(digest));
      return reading;
    },

    async listReleases(module) {
      const rows = await db
        .selectFrom("module_versions")
        .select(["version", sql<ModuleManifest["upgrades"]>`manifest -> 'upgrades'`.as("upgrades")])
        .where("module", "=", module)
        .orderBy("sort_key", "desc")
        .execute();
      if (rows.length === 0) throw new ModuleNotFoundError(module);
      return rows.map(({ version, upgrades }) => ({
        version,
        from: upgrades.from ?? null,
        requiredStop: upgrades.requiredStop,
        risk: upgrades.risk ?? null,
        blocked: upgrades.blocked,
      }));
    },
  };
}

async function readVersions(db: Kysely<ControlTables>, module: ModuleId): Promise<Version[]> {
  const rows = await db
    .selectFrom("module_versions")
    .select("version")
    .where("module", "=", module)
    .orderBy("sort_key", "desc")
    .execute();
  return rows.map((row) => row.version);
}
