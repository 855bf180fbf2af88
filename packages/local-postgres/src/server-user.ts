import { execFile } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { LocalPostgresError } from "./local-postgres-error.ts";

const run = promisify(execFile);

/** How PostgreSQL's programs are started, and whose files are theirs. */
export interface ServerUser {
  /** Puts a command into what runs it as the right user. */
  command(program: string, args: readonly string[]): { file: string; args: string[] };
  /** Owner of the server's files; undefined: whoever runs us. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * PostgreSQL refuses to run as root. When we are root it runs as the system's `postgres`, or as `nobody`, with one right
 * on top: to read what root alone may reach, since the programs and the data folder may be in root's home. No user is
 * created.
 */
export async function findServerUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return { command: (file, args) => ({ file, args: [...args] }), owner: undefined };
  const owner = await unprivilegedUser();
  const setpriv = await pathOf("setpriv");
  if (setpriv === undefined) {
    throw new LocalPostgresError(
      'it refuses to run as root, and "setpriv" (package util-linux), which would start it as another user, is missing. ' +
        "Run as an ordinary user.",
    );
  }
  const become = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"];
  const rights = await rightsToRead(setpriv, become);
  return {
    owner,
    command: (program, args) => ({ file: setpriv, args: [...become, ...rights, "--", program, ...args] }),
  };
}

/**
 * Root in a container has not all rights: Docker leaves out the one to read everything and leaves in the one to write
 * too. Without either, the programs and the data folder must be where the user can reach them.
 */
async function rightsToRead(setpriv: string, become: readonly string[]): Promise<string[]> {
  for (const right of ["dac_read_search", "dac_override"]) {
    const rights = [`--inh-caps=+${right}`, `--ambient-caps=+${right}`];
    const granted = await run(setpriv, [...become, ...rights, "--", setpriv, "--version"]).then(
      () => true,
      () => false,
    );
    if (granted) return rights;
  }
  return [];
}

async function unprivilegedUser(): Promise<{ uid: number; gid: number }> {
  const users = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  for (const name of ["postgres", "nobody"]) {
    const user = users.find((fields) => fields[0] === name);
    if (user !== undefined) return { uid: Number(user[2]), gid: Number(user[3]) };
  }
  throw new LocalPostgresError('it refuses to run as root, and there is neither a user "postgres" nor "nobody" here.');
}

async function pathOf(program: string): Promise<string | undefined> {
  for (const folder of ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin"]) {
    const path = `${folder}/${program}`;
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (
      there &&
      (await run(path, ["--version"]).then(
        () => true,
        () => false,
      ))
    )
      return path;
  }
  return undefined;
}
