import type { ClientBase } from "pg";
import { readLiveVersions } from "../live/live-store.ts";
import { type AppliedMigration, readAppliedMigrations } from "./applied-migrations.ts";

/**
 * What the data went through to be what a version sees, in order: what is settled, and the files of live versions up to
 * it.
 *
 * @param version a live version's name; the newest one without it, or where a single version has the tables as they are
 */
export async function readHistory(client: ClientBase, schema: string, version?: string): Promise<AppliedMigration[]> {
  const settled = await readAppliedMigrations(client, schema);
  const live = await readLiveVersions(client, schema);
  const last = version === undefined ? -1 : live.findIndex((one) => one.version === version);
  const seen = last === -1 ? live : live.slice(0, last + 1);
  return [...settled, ...seen.flatMap(({ files }) => files.map((file) => ({ ...file, finished: true })))];
}
