import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect, test } from "vitest";
import { keepLocalPostgres } from "./keep-local-postgres.ts";

async function ask(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

test("a server that is killed is there again at the same address, with everything that was written", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aibos-keep-"));
  const lines: string[] = [];
  const server = await keepLocalPostgres({ folder, log: (line) => lines.push(line) });
  try {
    await ask(server.url, "create table kept as select 1 as n");
    const { pid } = server;
    process.kill(pid, "SIGKILL");
    await expect.poll(() => server.pid, { timeout: 20_000 }).not.toBe(pid);
    await expect
      .poll(() => ask(server.url, "select n from kept").catch(() => "away"), { timeout: 20_000 })
      .toEqual([{ n: 1 }]);
    expect(lines).toContain("PostgreSQL has ended; starting it again");
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  await expect(ask(server.url, "select 1")).rejects.toThrow("ECONNREFUSED");
});
