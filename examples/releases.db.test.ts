import { type ChildProcess, execFile, spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseModuleManifest } from "@aibos/contract";
import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { checkMigrations, historyOf, readMigrations } from "@aibos/tenant-data";

const RELEASES = ["accounting/1.0.0", "accounting/1.5.0", "accounting/2.0.0", "guestbook/1.0.0"];
const run = promisify(execFile);

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-examples-"));
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

describe.each(RELEASES)("%s", (release) => {
  const source = fileURLToPath(new URL(release, import.meta.url));
  const readManifest = async (): Promise<ReturnType<typeof parseModuleManifest>> =>
    parseModuleManifest(await readFile(join(source, "aibos.module.yaml"), "utf8"));

  test("has a manifest of its own version, and migrations that can be run and taken back", async () => {
    const manifest = await readManifest();
    expect(`${manifest.id}/${manifest.version}`).toBe(release);
    const migrations = await readMigrations(join(source, "migrations"));
    await checkMigrations(migrations);
    expect(migrations.filter((migration) => migration.kind === "sql" && migration.down === null)).toEqual([]);
  });

  test("is built into one file that runs where nothing else is installed", async () => {
    const path = `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`;
    await run("npm", ["run", "--silent", "build"], { cwd: source, env: { ...process.env, PATH: path } });
    const target = join(folder, release, "dist");
    await mkdir(target, { recursive: true });
    await copyFile(join(source, "dist/main.cjs"), join(target, "main.cjs"));
    const { runtime, id, version } = await readManifest();
    expect(runtime.command).toEqual(["node", "dist/main.cjs"]);
    const port = await freePort();
    const child = spawn(process.execPath, ["dist/main.cjs"], {
      cwd: dirname(target),
      env: {
        PORT: String(port),
        AIBOS_DATABASE_URL: database.url,
        AIBOS_CONTEXT_KEY: "key",
        AIBOS_MODULE: id,
        AIBOS_VERSION: version,
      },
      stdio: ["ignore", "ignore", "inherit"],
    });
    try {
      expect(await statusOf(child, `http://127.0.0.1:${port}${runtime.healthPath}`)).toBe(200);
      expect((await fetch(`http://127.0.0.1:${port}${runtime.tenantHealthPath ?? ""}`)).status).toBe(401);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

test.each([
  ["1.0.0", "1.5.0"],
  ["1.5.0", "2.0.0"],
])("accounting's migrations of %s are the first ones of %s, unchanged", async (older, newer) => {
  const [first, second] = await Promise.all(
    [older, newer].map(async (version) => {
      const path = fileURLToPath(new URL(`accounting/${version}/migrations`, import.meta.url));
      const migrations = await readMigrations(path);
      return historyOf(migrations);
    }),
  );
  expect(second?.slice(0, first?.length)).toEqual(first);
  expect(second?.length).toBeGreaterThan(first?.length ?? 0);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The first answer's status; the process needs a moment to listen. */
async function statusOf(child: ChildProcess, url: string): Promise<number> {
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    if (response !== undefined) return response.status;
    if (child.exitCode !== null) throw new Error(`The process ended with ${child.exitCode}.`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}
