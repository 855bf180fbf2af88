import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalPostgres } from "@aibos/local-postgres";
import pg from "pg";

/** A PostgreSQL of a benchmark's own, durable as in use, with a database that an ordinary role owns. */
export interface BenchPostgres extends AsyncDisposable {
  /** A session as that role, which may create roles. */
  connect(): Promise<pg.Client>;
}

export async function startBenchPostgres(): Promise<BenchPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "aibos-bench-"));
  const postgres = await startLocalPostgres({ folder, settings: ["max_wal_size=4GB", "shared_buffers=256MB"] });
  const admin = new pg.Client({ connectionString: postgres.superuserUrl });
  await admin.connect();
  await admin.query("create role platform createrole in role pg_checkpoint");
  await admin.query("create database bench owner platform");
  await admin.end();
  const url = new URL(postgres.superuserUrl);
  url.pathname = "/bench";
  return {
    async connect() {
      const client = new pg.Client({ connectionString: url.href, options: "-c role=platform" });
      client.on("error", () => undefined);
      await client.connect();
      return client;
    },
    async [Symbol.asyncDispose]() {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
