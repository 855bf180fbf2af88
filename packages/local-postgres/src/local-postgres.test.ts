import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FolderInUseError } from "./folder-in-use-error.ts";
import { lockFolder } from "./folder-lock.ts";
import { type LocalPostgres, startLocalPostgres, stopLocalPostgres } from "./local-postgres.ts";
import { PostgresPortTakenError } from "./port-taken-error.ts";
import { findPostmaster } from "./postmaster.ts";

const PROGRAM = fileURLToPath(new URL("testing/postgres-process.ts", import.meta.url));
const ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;

const children: ChildProcess[] = [];
const folders: string[] = [];
/** One set of database files for most tests: they are what takes time to make. */
let folder: string;

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
  for (const used of folders) await stopLocalPostgres(used);
});
afterAll(async () => {
  for (const used of folders) await rm(used, { recursive: true, force: true });
});

async function temporaryFolder(): Promise<string> {
  const made = await realpath(await mkdtemp(join(tmpdir(), "aibos-local-postgres-")));
  folders.push(made);
  return made;
}

function start(): Promise<LocalPostgres> {
  return startLocalPostgres({ folder });
}

interface Report {
  readonly pid?: number;
  readonly url?: string;
  readonly superuserUrl?: string;
  readonly uid?: number;
  readonly error?: string;
  readonly message?: string;
}

/** Starts PostgreSQL in another process, which stays. */
async function startElsewhere(
  where: string,
  { command = [process.execPath], ...user }: { command?: string[]; uid?: number; gid?: number } = {},
): Promise<{ child: ChildProcess; report: Report }> {
  const [file, ...args] = [...command, PROGRAM, where];
  const child = spawn(file, args, { ...user, stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, "line", { signal: AbortSignal.timeout(25_000) })) as [string];
  return { child, report: JSON.parse(line) as Report };
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function filesBeingMade(where: string): Promise<string[]> {
  const [scratch] = (await readdir(where)).filter((name) => name.startsWith("data.new-"));
  return scratch === undefined ? [] : readdir(join(where, scratch));
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** Kills a server of this process's, or of a child's that is gone, and returns when it is gone. */
async function killServer(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await expect.poll(() => findPostmaster(join(folder, "data")), { timeout: 10_000 }).toBeUndefined();
}

describe("the embedded PostgreSQL", () => {
  it("starts, keeps what was written, and is gone from its port when it was stopped", async () => {
    const first = await start();
    await query(first.url, "create table kept as select 1 as n");
    await first.stop();
    await expect(query(first.url, "select 1")).rejects.toThrow(/ECONNREFUSED/);
    await expect(stat(join(folder, "data", "postmaster.pid"))).rejects.toThrow("ENOENT");
    const second = await start();
    expect(second.port).toBe(first.port);
    expect(await query(second.url, "select n from kept")).toEqual([{ n: 1 }]);
  });

  it("gives the platform a role that is no superuser, and lets in nobody without a password", async () => {
    const server = await start();
    expect(
      await query(server.url, "select rolsuper, rolcreaterole from pg_roles where rolname = current_user"),
    ).toEqual([{ rolsuper: false, rolcreaterole: true }]);
    const open = new URL(server.superuserUrl);
    open.password = "guess";
    await expect(query(open.href, "select 1")).rejects.toThrow(/password authentication failed/);
    expect((await stat(join(folder, "password"))).mode & 0o077).toBe(0);
  });

  it("keeps what was committed safe: durability is on", async () => {
    const { url } = await start();
    expect(
      await query(url, "select name, setting from pg_settings where name in ('fsync', 'full_page_writes') order by 1"),
    ).toEqual([
      { name: "fsync", setting: "on" },
      { name: "full_page_writes", setting: "on" },
    ]);
  });

  it("is adopted when it runs already", async () => {
    const first = await start();
    const second = await start();
    expect([second.pid, second.port, second.url]).toEqual([first.pid, first.port, first.url]);
  });

  it("outlives its starter's kill and is adopted with its data", async () => {
    const { child, report } = await startElsewhere(folder);
    await query(report.url ?? "", "create table before_kill as select 'here' as word");
    await kill(child);
    const adopted = await start();
    expect(adopted.pid).toBe(report.pid);
    expect(await query(adopted.url, "select word from before_kill")).toEqual([{ word: "here" }]);
  });

  it("starts again with every committed row after a kill of the server itself, while its sessions work", async () => {
    const first = await start();
    await query(first.url, "create table committed (n integer)");
    const busy = new pg.Client({ connectionString: first.url });
    const lost = new Promise<void>((resolve) => busy.on("error", () => resolve()));
    await busy.connect();
    await busy.query("insert into committed select generate_series(1, 1000)");
    await busy.query("begin");
    await busy.query("insert into committed select generate_series(1, 1000)");
    await killServer(first.pid);
    const second = await start();
    expect(second.pid).not.toBe(first.pid);
    expect(await query(second.url, "select count(*)::int as n from committed")).toEqual([{ n: 1_000 }]);
    await lost;
  });

  it("starts again after a kill of its starter and itself", async () => {
    const { child, report } = await startElsewhere(folder);
    await query(report.url ?? "", "create table before_both as select 1 as n");
    await kill(child);
    await killServer(report.pid ?? 0);
    const again = await start();
    expect(await query(again.url, "select n from before_both")).toEqual([{ n: 1 }]);
  });

  describe("with a lock file that a crash left", () => {
    async function leaveLockFile(change: (text: string) => string): Promise<void> {
      const server = await start();
      const lockFile = join(folder, "data", "postmaster.pid");
      const text = await readFile(lockFile, "utf8");
      await server.stop();
      await writeFile(lockFile, change(text), { mode: 0o600 });
    }
    const withPid = (pid: number) => (text: string) => text.replace(/^\d+/, String(pid));

    it("starts when the number belongs to nobody", async () => {
      await leaveLockFile((text) => text);
      expect(await query((await start()).url, "select 1 as n")).toEqual([{ n: 1 }]);
    });

    it("starts when the number was given to another program, and leaves that alone", async () => {
      const other = spawn("sleep", ["1000"]);
      children.push(other);
      await leaveLockFile(withPid(other.pid ?? 0));
      const server = await start();
      expect(server.pid).not.toBe(other.pid);
      expect(other.exitCode ?? other.signalCode).toBeNull();
    });

    it("starts when the number was given to a program that has one of the server's files open", async () => {
      const other = spawn("tail", ["-f", join(folder, "data", "postgresql.conf")]);
      children.push(other);
      await leaveLockFile(withPid(other.pid ?? 0));
      const server = await start();
      expect(server.pid).not.toBe(other.pid);
    });

    it("starts when the number was given to the PostgreSQL of another folder", async () => {
      const { TEST_DATABASE_URL = "" } = process.env;
      const [other] = await query<{ pid: number }>(
        TEST_DATABASE_URL,
        "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid",
      );
      await leaveLockFile(withPid(other?.pid ?? 0));
      const server = await start();
      expect(server.pid).not.toBe(other?.pid);
      expect(await query(TEST_DATABASE_URL, "select 1 as n")).toEqual([{ n: 1 }]);
    });

    it.each([
      ["is empty", ""],
      ["is no number", "hello\nworld\n"],
      ["is negative, which would mean a group of processes", "-1\n"],
    ])("starts when what it says %s", async (_, text) => {
      await leaveLockFile(() => text);
      expect(await query((await start()).url, "select 1 as n")).toEqual([{ n: 1 }]);
    });
  });

  it("makes its files anew when it was killed while it made them", async () => {
    const where = await temporaryFolder();
    const early = spawn(process.execPath, [PROGRAM, where], { stdio: "ignore" });
    children.push(early);
    await expect.poll(() => filesBeingMade(where), { timeout: 20_000, interval: 5 }).toContain("PG_VERSION");
    await kill(early);
    const server = await startLocalPostgres({ folder: where });
    expect(await query(server.url, "select 1 as n")).toEqual([{ n: 1 }]);
    expect((await readdir(where)).filter((name) => name.startsWith("data."))).toEqual([]);
  });

  it("says which port is taken, when it was asked for, and takes another when it was not", async () => {
    const server = await start();
    await server.stop();
    const other = createServer().listen(server.port, "127.0.0.1");
    await once(other, "listening");
    try {
      const asked = startLocalPostgres({ folder, port: server.port });
      await expect(asked).rejects.toBeInstanceOf(PostgresPortTakenError);
      await expect(asked).rejects.toThrow(
        `Port ${server.port} at 127.0.0.1, meant for PostgreSQL, is used by another program. Stop that program, or choose ` +
          `another port with --postgres-port.`,
      );
      expect((await start()).port).not.toBe(server.port);
    } finally {
      other.close();
    }
  });

  it("gives a folder to one of two that start at once, and the other one is told", async () => {
    const both = await Promise.all([startElsewhere(folder), startElsewhere(folder)]);
    const reports = both.map(({ report }) => report);
    expect(reports.filter((report) => report.pid !== undefined)).toHaveLength(1);
    const [refused] = reports.filter((report) => report.error !== undefined);
    expect(refused?.error).toBe("FolderInUseError");
    expect(refused?.message).toMatch(
      /^The folder \S+ is used by another run \((process \d+|its process is starting)\)\. Stop that one, or choose another/,
    );
  });

  it("runs for an ordinary user, and root's server runs as one too", async () => {
    const where = await temporaryFolder();
    if (ROOT) await chown(where, NOBODY, NOBODY);
    await chmod(where, 0o700);
    const { report } = await startElsewhere(where, ROOT ? { uid: NOBODY, gid: NOBODY } : {});
    expect(report).toMatchObject({ uid: ROOT ? NOBODY : process.getuid?.(), pid: expect.any(Number) as number });
    expect(await query(report.url ?? "", "select 1 as n")).toEqual([{ n: 1 }]);
    expect((await stat(join(where, "data"))).uid).not.toBe(0);
    await start();
    expect((await stat(join(folder, "data"))).uid).not.toBe(0);
  });

  it("runs for a root that may not read everything, as in a container", async () => {
    const limited = ["setpriv", "--bounding-set=-dac_read_search", "--inh-caps=-dac_read_search", process.execPath];
    const { report } = await startElsewhere(folder, ROOT ? { command: limited } : {});
    expect(report.message).toBeUndefined();
    expect(await query(report.url ?? "", "select 1 as n")).toEqual([{ n: 1 }]);
  });
});

describe("the lock of a folder", () => {
  it("names the holder while it lives, and is free as soon as it was killed", async () => {
    const { child } = await startElsewhere(folder);
    const refused = lockFolder(folder);
    await expect(refused).rejects.toBeInstanceOf(FolderInUseError);
    await expect(refused).rejects.toThrow(
      `The folder ${folder} is used by another run (process ${child.pid}). Stop that one, or choose another folder with ` +
        `--data-dir.`,
    );
    await kill(child);
    const lock = await lockFolder(folder);
    await lock.release();
    await lock.release();
    const again = await lockFolder(folder);
    await again.release();
  });

  it("holds against the same process too, and goes on holding after that was refused", async () => {
    const lock = await lockFolder(folder);
    try {
      await expect(lockFolder(folder)).rejects.toBeInstanceOf(FolderInUseError);
      const { report } = await startElsewhere(folder);
      expect(report.error).toBe("FolderInUseError");
    } finally {
      await lock.release();
    }
  });
});
