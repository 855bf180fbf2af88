import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import {
  chown,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { findBinaries, type PostgresBinaries } from "./binaries.ts";
import { LocalPostgresError } from "./local-postgres-error.ts";
import { PostgresPortTakenError } from "./port-taken-error.ts";
import { findPostmaster, isAlive, type Postmaster } from "./postmaster.ts";
import { findServerUser, type ServerUser } from "./server-user.ts";

const run = promisify(execFile);

const START_MS = 60_000;
const STOP_MS = 30_000;
const LOG_LIMIT_BYTES = 16 * 1024 * 1024;
const DATABASE = "aibos";
/** How the names of directories begin in which database files are made. */
const SCRATCH = "data.new-";

export interface LocalPostgresOptions {
  /** Everything of the server is kept here. Only one process may use it at a time: see `lockFolder`. */
  readonly folder: string;
  /** Port at 127.0.0.1; without it, the one used last, or a free one. */
  readonly port?: number;
  /** Settings of the server on top of ours, such as `fsync=off` for tests. */
  readonly settings?: readonly string[];
  /** Hears what is done, one line at a time. */
  readonly log?: (line: string) => void;
}

/** A running server. It goes on when our process is killed, and the next start adopts it. */
export interface LocalPostgres {
  /** URL of database `aibos` for its owner: an ordinary role that may create roles. */
  readonly url: string;
  /** The same for the superuser. */
  readonly superuserUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Stops the server in order: what is written is kept, connections are closed. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL in a folder, or adopts the one that runs there. Durability is on: this is people's data.
 *
 * A folder is made in a scratch directory and renamed into place, so that one killed half-way is made anew.
 *
 * @throws PostgresPortTakenError when the port that was asked for is in use
 * @throws LocalPostgresError when the server can't be started
 */
export async function startLocalPostgres(options: LocalPostgresOptions): Promise<LocalPostgres> {
  const { log = () => undefined } = options;
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const folder = await realpath(options.folder);
  const [binaries, user] = await Promise.all([findBinaries(), findServerUser()]);
  const password = await passwordOf(folder);
  const data = join(folder, "data");
  await initialise({ folder, data, binaries, user, password, log });

  let running = await findPostmaster(data);
  if (running === undefined) {
    const port = options.port ?? (await freePort(await portUsedLast(folder)));
    if (options.port !== undefined && !(await isFree(port))) throw new PostgresPortTakenError(port);
    running = await startServer({ folder, data, binaries, user, port, settings: options.settings ?? [], log });
    await writeFile(join(folder, "port"), `${running.port}\n`);
  } else {
    log(`PostgreSQL runs already, as process ${running.pid}`);
  }
  const { pid, port } = running;
  const urlOf = (role: string, secret: string, database: string): string =>
    `postgresql://${role}:${secret}@127.0.0.1:${port}/${database}`;
  const superuserUrl = urlOf("postgres", password, "postgres");
  await waitUntilReady(superuserUrl, pid, folder);
  const ownerPassword = createHmac("sha256", password).update(DATABASE).digest("base64url");
  await provideDatabase(superuserUrl, ownerPassword);
  return {
    url: urlOf(DATABASE, ownerPassword, DATABASE),
    superuserUrl,
    port,
    pid,
    stop: () => stopServer(pid, log),
  };
}

/** Stops the server of a folder, if one runs. */
export async function stopLocalPostgres(folder: string): Promise<void> {
  const running = await findPostmaster(join(await realpath(folder), "data"));
  if (running !== undefined) await stopServer(running.pid, () => undefined);
}

async function passwordOf(folder: string): Promise<string> {
  const file = join(folder, "password");
  const before = await readFile(file, "utf8").catch(() => "");
  if (before.trim() !== "") return before.trim();
  const password = randomBytes(24).toString("base64url");
  await writeFile(`${file}.new`, `${password}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return password;
}

async function initialise(place: {
  folder: string;
  data: string;
  binaries: PostgresBinaries;
  user: ServerUser;
  password: string;
  log: (line: string) => void;
}): Promise<void> {
  const { folder, data, binaries, user, log } = place;
  if (await exists(join(data, "PG_VERSION"))) return;
  log("making the database files");
  // When we were killed, an initdb may still be at work in its directory, and cleans up there when it fails.
  for (const name of await readdir(folder)) {
    if (name.startsWith(SCRATCH)) await rm(join(folder, name), { recursive: true, force: true, maxRetries: 20 });
  }
  const scratch = await mkdtemp(join(folder, SCRATCH));
  if (user.owner !== undefined) await chown(scratch, user.owner.uid, user.owner.gid);
  const { file, args } = user.command(binaries.initdb, [
    "--pgdata",
    scratch,
    "--username",
    "postgres",
    "--pwfile",
    join(folder, "password"),
    "--auth",
    "scram-sha-256",
    "--encoding",
    "UTF8",
    "--locale-provider",
    "builtin",
    "--builtin-locale",
    "C.UTF-8",
    "--locale",
    "C",
    "--data-checksums",
  ]);
  await run(file, args, { env: SERVER_ENVIRONMENT, maxBuffer: 1024 * 1024 }).catch((cause: unknown) => {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : String(cause);
    throw new LocalPostgresError(`its files could not be made in ${folder} (${said}).`, { cause });
  });
  await rename(scratch, data);
}

// Nothing of our own environment, which may hold secrets.
const SERVER_ENVIRONMENT = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

async function startServer(place: {
  folder: string;
  data: string;
  binaries: PostgresBinaries;
  user: ServerUser;
  port: number;
  settings: readonly string[];
  log: (line: string) => void;
}): Promise<Postmaster> {
  const { folder, data, binaries, user, port, log } = place;
  const settings = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=64MB",
    "max_wal_size=512MB",
    "log_min_error_statement=panic",
    "log_statement=none",
    ...place.settings,
  ].flatMap((setting) => ["-c", setting]);
  const { file, args } = user.command(binaries.postgres, ["-D", data, "-p", String(port), ...settings]);
  const logFile = join(folder, "server.log");
  for (let attempt = 1; ; attempt += 1) {
    if (((await stat(logFile).catch(() => undefined))?.size ?? 0) > LOG_LIMIT_BYTES) await truncate(logFile);
    const output = await open(logFile, "a", 0o600);
    const from = (await output.stat()).size;
    const child = spawn(file, args, {
      cwd: data,
      detached: true,
      env: SERVER_ENVIRONMENT,
      stdio: ["ignore", output.fd, output.fd],
    });
    await output.close();
    child.unref();
    const pid = await survived(child);
    if (pid !== undefined) {
      log(`PostgreSQL started as process ${pid} on port ${port}`);
      return { pid, port };
    }
    const said = (await readFile(logFile, "utf8")).slice(from);
    // Backends of a server that was killed need a moment to notice.
    if (/shared memory block .*still in use/.test(said) && attempt < 40) {
      await sleep(250);
      continue;
    }
    // One that was killed right after it had started a server left one that had no lock file yet when we looked.
    if (/lock file .* already exists/.test(said)) {
      const other = await findPostmaster(data);
      if (other !== undefined) return other;
    }
    if (/could not bind|Address already in use/.test(said)) throw new PostgresPortTakenError(port);
    throw new LocalPostgresError(`the server ended at once; ${logFile} says: ${said.trim().slice(-600)}`);
  }
}

/** The process's number, or undefined when it ended within its first moments. */
async function survived(child: ChildProcess): Promise<number | undefined> {
  const ended = new Promise<undefined>((resolve) => {
    child.once("exit", () => resolve(undefined));
    child.once("error", () => resolve(undefined));
  });
  return Promise.race([ended, sleep(150).then(() => child.pid)]);
}

async function waitUntilReady(url: string, pid: number, folder: string): Promise<void> {
  let last: unknown;
  for (const until = Date.now() + START_MS; Date.now() < until; await sleep(50)) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.query("select 1");
      return;
    } catch (error) {
      last = error;
      if (!(await isAlive(pid))) break;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  const detail = last instanceof Error ? last.message : String(last);
  throw new LocalPostgresError(`it does not answer (${detail}); see ${join(folder, "server.log")}.`, { cause: last });
}

/** The role and database that the platform uses; it is no superuser, as on a managed server. */
async function provideDatabase(superuserUrl: string, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const role = await client.query("select from pg_roles where rolname = $1", [DATABASE]);
    if (role.rowCount === 0) {
      // Nothing of a statement is logged, see the settings above.
      await client.query(`create role ${DATABASE} login createrole password ${pg.escapeLiteral(password)}`);
    }
    const database = await client.query("select from pg_database where datname = $1", [DATABASE]);
    if (database.rowCount === 0) await client.query(`create database ${DATABASE} owner ${DATABASE}`);
  } finally {
    await client.end();
  }
}

async function stopServer(pid: number, log: (line: string) => void): Promise<void> {
  // Fast shutdown; then immediate, which recovers at the next start.
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (const until = Date.now() + STOP_MS; Date.now() < until; await sleep(20)) {
      if (!(await isAlive(pid))) {
        log("PostgreSQL stopped");
        return;
      }
    }
  }
}

async function portUsedLast(folder: string): Promise<number | undefined> {
  const port = Number(await readFile(join(folder, "port"), "utf8").catch(() => ""));
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

async function freePort(wanted: number | undefined): Promise<number> {
  if (wanted !== undefined && (await isFree(wanted))) return wanted;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
