import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalPostgres, stopLocalPostgres } from "../local-postgres.ts";

const PREFIX = "aibos-test-postgres-";

/**
 * One PostgreSQL for a run of the tests, found by `TEST_DATABASE_URL` (a superuser's URL). One that is given from outside
 * is used as it is.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if ((process.env["TEST_DATABASE_URL"] ?? "") !== "") return undefined;
  await removeAbandoned();
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const postgres = await startLocalPostgres({
    folder,
    settings: ["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
  });
  process.env["TEST_DATABASE_URL"] = postgres.superuserUrl;
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

/** A run that was killed could not clean up; its number is in its folder's name. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (!Number.isInteger(pid) || isRunning(pid)) continue;
    const folder = join(tmpdir(), name);
    await stopLocalPostgres(folder).catch(() => undefined);
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
