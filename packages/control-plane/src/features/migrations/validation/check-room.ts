import { open, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "@aibos/contract";
import type { Queryable } from "@aibos/tenant-data";

/** Where free space can't be seen, a rollback point from this size on is warned of: 1 GiB. */
const TOLD_FROM = 1_073_741_824;
/** Changing the data takes room besides its copy; together so many times its size. */
const NEEDED = 2;

/**
 * Compares what a rollback point will take with the free space, where the server's data folder is on this machine. The
 * server's own account of it (its WAL, its temporary files) is left out: this warns, and promises nothing.
 */
export async function checkRoom(pool: Queryable, bytes: number): Promise<Problem[]> {
  return roomProblems(bytes, await freeBytes(pool).catch(() => undefined));
}

/** @param free bytes on the server's disk; undefined where they can't be seen */
export function roomProblems(bytes: number, free: number | undefined): Problem[] {
  if (free === undefined) {
    if (bytes < TOLD_FROM) return [];
    const message = `The rollback point takes about ${inMiB(bytes)}, and the database server's free space can't be seen from here.`;
    const wayOut = `See that the server has at least ${inMiB(NEEDED * bytes)} free.`;
    return [{ code: "AIBOS_ROOM_UNKNOWN", severity: "warning", message, wayOut }];
  }
  if (free >= NEEDED * bytes) return [];
  const message = `The rollback point takes about ${inMiB(bytes)}, and the database server has ${inMiB(free)} free.`;
  const wayOut = `Make room for ${inMiB(NEEDED * bytes)}, or have fewer rollback points kept.`;
  return [{ code: "AIBOS_ROOM_SHORT", severity: free < bytes ? "error" : "warning", message, wayOut }];
}

function inMiB(bytes: number): string {
  return `${Math.ceil(bytes / 1_048_576)} MiB`;
}

/** Free bytes where the server keeps its data; undefined unless that is this very machine's and may be read. */
async function freeBytes(pool: Queryable): Promise<number | undefined> {
  // Without the right to see the setting there is no row.
  const { rows } = await pool.query(
    `select setting as folder, (select system_identifier::text from pg_control_system()) as identity
     from pg_settings where name = 'data_directory'`,
  );
  const server: { folder?: unknown; identity?: unknown } = rows[0] ?? {};
  if (typeof server.folder !== "string") return undefined;
  // Another machine's folder may have the same name here.
  if ((await readIdentity(server.folder)) !== server.identity) return undefined;
  const { bavail, bsize } = await statfs(server.folder);
  return bavail * bsize;
}

/** The system identifier, which pg_control begins with, in the machine's byte order. */
async function readIdentity(folder: string): Promise<string> {
  const file = await open(join(folder, "global", "pg_control"), "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.readBigUInt64LE().toString();
  } finally {
    await file.close();
  }
}
