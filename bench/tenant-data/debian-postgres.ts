import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

// The embedded PostgreSQL ships no pg_dump: Debian's packages have a server and clients of the same major.

export interface DebianPostgres extends AsyncDisposable {
  readonly version: string;
  url(database: string): string;
  /** Runs one of its programs, as its own user. @throws when it fails */
  run(program: string, ...parameters: string[]): Promise<void>;
  readonly folder: string;
}

const BASE = "/usr/lib/postgresql";

/** Starts a fresh server that lasts as long as the benchmark; undefined where none is installed. */
export async function startDebianPostgres(): Promise<DebianPostgres | undefined> {
  const majors = existsSync(BASE) ? await readdir(BASE) : [];
  const usable = majors.filter((major) => existsSync(join(BASE, major, "bin", "pg_dump")));
  const newest = usable.toSorted((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "aibos-bench-"));
  const user = process.getuid?.() === 0 ? postgresUser() : {};
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
  const run = (program: string, ...parameters: string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(join(BASE, newest, "bin", program), parameters, {
        ...user,
        stdio: ["ignore", "ignore", "inherit"],
        cwd: folder,
      });
      child.once("error", reject);
      child.once("exit", (code) => {
        if (code === 0) resolve();
        else reject(new Error(`${program} ended with ${code}`));
      });
    });
  const data = join(folder, "data");
  const port = await freePort();
  await run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C");
  const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c max_wal_size=4GB -c shared_buffers=256MB`;
  await run("pg_ctl", "-D", data, "-w", "-s", "-l", join(folder, "log"), "-o", options, "start");
  return {
    version: newest,
    folder,
    run,
    url: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    async [Symbol.asyncDispose]() {
      await run("pg_ctl", "-D", data, "-m", "immediate", "-s", "stop");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL does not run as root; Debian's package made a user for it. */
function postgresUser(): { uid?: number; gid?: number } {
  const id = (flag: string): number => Number(spawnSync("id", [flag, "postgres"]).stdout.toString());
  return { uid: id("-u"), gid: id("-g") };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address !== null) resolve(address.port);
        else reject(new Error("no free port"));
      });
    });
  });
}
