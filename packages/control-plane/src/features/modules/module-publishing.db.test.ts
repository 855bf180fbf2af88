import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROUTES } from "@aibos/contract";
import { parseModuleId, parseTenantId, parseVersion } from "@aibos/domain";
import { historyOf } from "@aibos/tenant-data";
import { notesArchive, packFiles } from "../../testing/notes-module.ts";
import { createTestControl, type TestControl } from "../../testing/test-control.ts";
import { createModuleApi } from "./module-api.ts";
import { createModuleReadModel, type ModuleReadModel } from "./module-read-model.ts";
import { createModulePublisher, type ModulePublisher } from "./publish-module.ts";

let control: TestControl;
let publish: ModulePublisher;
let modules: ModuleReadModel;
let api: ReturnType<typeof createModuleApi>;
beforeAll(async () => {
  control = await createTestControl();
  publish = createModulePublisher(control.database);
  modules = createModuleReadModel(control.database);
  api = createModuleApi({ database: control.database, modules });
});
afterAll(() => control[Symbol.asyncDispose]());

const page = { limit: 100 };
const nothing = { params: {}, query: {}, body: undefined };

interface Pack {
  title?: string;
  /** Lines of the manifest. */
  more?: string;
  migrations?: Record<string, string>;
}

/** The archive of a module that holds as good as nothing. */
function pack(id: string, version: string, { title = id, more = "", migrations = {} }: Pack = {}): Promise<Buffer> {
  const manifest = `id: ${id}\nversion: "${version}"\ntitle: "${title}"\nruntime: { command: ["true"] }\n${more}`;
  const files = Object.entries(migrations).map(([name, sql]) => [`migrations/${name}.up.sql`, sql]);
  return packFiles({ "aibos.module.yaml": manifest, ...Object.fromEntries(files) });
}
const ONE = { "001_one": "create table one (id bigint primary key);\n" };
const OTHER_ONE = { "001_one": "create table one (id text primary key);\n" };
const TWO = { "002_two": "create table two (id bigint primary key);\n" };
const fromAll = 'upgrades: { from: ">=1.0.0" }\n';

describe("publishing", () => {
  test("stores a version, and gives back what was stored", async () => {
    const archive = await notesArchive("1.1.0");
    const digest = createHash("sha256").update(archive).digest("hex");
    const published = await publish(archive);
    expect(published).toEqual({ module: "notes", version: "1.1.0", digest, sizeBytes: archive.length, created: true });
    const release = await modules.getVersion(parseModuleId("notes"), parseVersion("1.1.0"));
    expect(release).toMatchObject({
      digest,
      externalUrl: null,
      manifest: { id: "notes", data: { compatibleWith: "1.0.0" } },
      migrations: [
        { number: 1, name: "notes", reversible: true },
        { number: 2, name: "star", reversible: true },
      ],
    });
    expect(await modules.getArchive(digest)).toEqual(archive);
    const migrations = await modules.readMigrations(release.module, release.version);
    expect(migrations.map((migration) => migration.name)).toEqual(["notes", "star"]);
    expect(historyOf(migrations).map((migration) => migration.checksum)).toEqual(
      release.migrations.map((migration) => migration.checksum),
    );
  });

  test("an archive that was removed is told of, and is there again when the same is published", async () => {
    const archive = await pack("removed", "1.0.0");
    const { digest } = await publish(archive);
    await control.database.pool.query(
      "update artifacts set content = null, removed_at = clock_timestamp() where digest = $1",
      [digest],
    );
    await expect(modules.getArchive(digest)).rejects.toMatchObject({ code: "AIBOS_ARTIFACT_REMOVED" });
    expect(await publish(archive)).toMatchObject({ created: false });
    expect(await modules.getArchive(digest)).toEqual(archive);
  });

  test("the same content again changes nothing; other content is refused", async () => {
    const archive = await pack("same", "1.0.0");
    expect(await publish(archive)).toMatchObject({ created: true });
    expect(await publish(archive)).toMatchObject({ created: false });
    await expect(publish(await pack("same", "1.0.0", { title: "Other" }))).rejects.toMatchObject({
      code: "AIBOS_VERSION_EXISTS",
    });
    expect(
      (await api.getVersion({ ...nothing, params: { module: parseModuleId("same"), version: parseVersion("1.0.0") } }))
        .title,
    ).toBe("same");
  });

  test("by many at once makes one version: the first wins, the same content is welcome, other content is not", async () => {
    const same = await pack("raced", "1.0.0");
    const other = await pack("raced", "1.0.0", { title: "Other" });
    const results = await Promise.allSettled([same, same, other, same, other].map((archive) => publish(archive)));
    const fulfilled = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(fulfilled.filter((published) => published.created)).toHaveLength(1);
    expect(new Set(fulfilled.map((published) => published.digest)).size).toBe(1);
    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason.code] : []));
    expect(refused).toEqual(refused.map(() => "AIBOS_VERSION_EXISTS"));
    expect(await modules.publishedVersions(parseModuleId("raced"))).toEqual(["1.0.0"]);
  });

  test("of different versions at once publishes them all", async () => {
    const archives = await Promise.all(["1.0.0", "1.1.0", "1.2.0", "2.0.0"].map((version) => pack("fleet", version)));
    await Promise.all(archives.map((archive) => publish(archive)));
    expect(await modules.publishedVersions(parseModuleId("fleet"))).toEqual(["2.0.0", "1.2.0", "1.1.0", "1.0.0"]);
  });

  test("an older version later does not rename the module", async () => {
    await publish(await pack("named", "2.0.0", { title: "New name" }));
    await publish(await pack("named", "1.0.0", { title: "Old name" }));
    const { items } = await api.listModules({ ...nothing, query: page });
    expect(items.find((item) => item.id === "named")).toMatchObject({
      title: "New name",
      latestVersion: "2.0.0",
      versions: 2,
    });
  });

  test("refuses a migration that would escape its schema, and keeps nothing of it", async () => {
    const migrations = { "001_bad": "drop schema public cascade;\n" };
    await expect(publish(await pack("escaping", "1.0.0", { migrations }))).rejects.toMatchObject({
      code: "AIBOS_MIGRATION_FILE",
    });
    expect(await modules.publishedVersions(parseModuleId("escaping"))).toEqual([]);
  });
});

describe("the history of a module's data", () => {
  test("may not change where an upgrade leads", async () => {
    await publish(await pack("drifting", "1.0.0", { migrations: ONE }));
    const changed = await pack("drifting", "2.0.0", { more: fromAll, migrations: { ...OTHER_ONE, ...TWO } });
    await expect(publish(changed)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_DRIFT", number: 1 });
    const missing = await pack("drifting", "2.0.0", { more: fromAll, migrations: TWO });
    await expect(publish(missing)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_DRIFT" });
    expect(
      await publish(await pack("drifting", "2.0.0", { more: fromAll, migrations: { ...ONE, ...TWO } })),
    ).toMatchObject({
      created: true,
    });
  });

  test("is looked at in the other direction too, when an older version comes later", async () => {
    await publish(await pack("backported", "2.0.0", { more: fromAll, migrations: ONE }));
    const hotfix = await pack("backported", "1.9.0", { migrations: { ...ONE, ...TWO } });
    await expect(publish(hotfix)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_DRIFT", number: 2 });
  });

  test("may differ between versions that no upgrade connects", async () => {
    await publish(await pack("apart", "1.0.0", { migrations: ONE }));
    expect(await publish(await pack("apart", "2.0.0", { migrations: OTHER_ONE }))).toMatchObject({ created: true });
    const blocked = 'upgrades: { from: ">=1.0.0", blocked: [{ from: "<3.0.0", reason: "start anew" }] }\n';
    expect(await publish(await pack("apart", "3.0.0", { more: blocked, migrations: TWO }))).toMatchObject({
      created: true,
    });
  });
});

describe("what is published", () => {
  const module = parseModuleId("listed");
  beforeAll(async () => {
    const versions = ["1.0.0", "1.5.0-rc.1", "1.5.0", "1.10.0", "2.0.0"];
    for (const version of versions)
      await publish(
        await pack("listed", version, { more: version === "1.0.0" ? "" : 'upgrades: { from: ">=1.0.0" }\n' }),
      );
  });

  test("is listed newest first by precedence, in pages", async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { limit: 2, ...(cursor === undefined ? {} : { cursor }) };
      const { items, nextCursor } = await api.listVersions({ ...nothing, params: { module }, query });
      seen.push(...items.map((item) => item.version));
      cursor = nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(["2.0.0", "1.10.0", "1.5.0", "1.5.0-rc.1", "1.0.0"]);
  });

  test("is answered in the shapes of the contract", async () => {
    const list = await api.listModules({ ...nothing, query: page });
    expect(ROUTES.listModules.answer.parse(list)).toEqual(list);
    const versions = await api.listVersions({ ...nothing, params: { module }, query: page });
    expect(ROUTES.listVersions.answer.parse(versions)).toEqual(versions);
  });

  test("counts the tenants that use it, and not those that did", async () => {
    const { db } = control.database;
    const version = parseVersion("1.5.0");
    for (const [tenant, status] of [
      ["t-one", "active"],
      ["t-two", "standby"],
      ["t-three", "retired"],
    ] as const) {
      await db
        .insertInto("tenants")
        .values({ id: parseTenantId(tenant), title: tenant, labels: "{}" })
        .execute();
      const place = { schema_name: tenant, role_name: tenant, data_version: null, migration_id: null };
      await db
        .insertInto("tenant_modules")
        .values({ tenant: parseTenantId(tenant), module, ...place })
        .execute();
      await db
        .insertInto("tenant_module_instances")
        .values({
          id: `ins_${tenant}`,
          tenant: parseTenantId(tenant),
          module,
          version,
          status,
          data_version: version,
          retired_at: null,
        })
        .execute();
    }
    expect((await api.getVersion({ ...nothing, params: { module, version } })).tenants).toBe(2);
    const { items } = await api.listModules({ ...nothing, query: page });
    expect(items.find((item) => item.id === "listed")?.tenants).toBe(2);
  });

  test("has a best path between two versions", async () => {
    const query = { from: parseVersion("1.0.0"), to: parseVersion("2.0.0") };
    const { path } = await api.getMigrationPath({ ...nothing, params: { module }, query });
    expect(path[0]).toBe("1.0.0");
    expect(path.at(-1)).toBe("2.0.0");
  });

  test("is told apart from what is not: unknown modules and versions", async () => {
    const unknown = parseModuleId("unknown");
    const version = parseVersion("9.9.9");
    const is = (code: string) => ({ code });
    await expect(modules.getVersion(unknown, version)).rejects.toMatchObject(is("AIBOS_MODULE_NOT_FOUND"));
    await expect(modules.getVersion(module, version)).rejects.toThrow(/Published: 2\.0\.0, 1\.10\.0/);
    await expect(modules.listReleases(unknown)).rejects.toMatchObject(is("AIBOS_MODULE_NOT_FOUND"));
    await expect(api.listVersions({ ...nothing, params: { module: unknown }, query: page })).rejects.toMatchObject(
      is("AIBOS_MODULE_NOT_FOUND"),
    );
    await expect(api.getVersion({ ...nothing, params: { module, version } })).rejects.toMatchObject(
      is("AIBOS_VERSION_NOT_FOUND"),
    );
    const query = { from: version, to: parseVersion("2.0.0") };
    await expect(api.getMigrationPath({ ...nothing, params: { module }, query })).rejects.toMatchObject(
      is("AIBOS_VERSION_NOT_FOUND"),
    );
  });
});
