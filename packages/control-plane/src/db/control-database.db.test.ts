import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { createTestControl } from "../testing/test-control.ts";
import { openControlDatabase } from "./control-database.ts";

test("a server that dies under a statement fails the statement, and not the process", async () => {
  await using control = await createTestControl();
  const direct = new URL(control.url);
  const sockets: Socket[] = [];
  // In front of the server, since that is shared: what a client sees of a killed server is a connection that ends.
  const proxy = createServer((socket) => {
    const upstream = connect(Number(direct.port), direct.hostname);
    for (const one of [socket, upstream]) {
      sockets.push(one);
      one.on("error", () => undefined);
    }
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, "127.0.0.1", resolve);
  });
  const url = new URL(control.url);
  url.port = String((proxy.address() as AddressInfo).port);
  const database = openControlDatabase(url.href, "cut off");
  try {
    const running = sql`select pg_sleep(60)`.execute(database.db);
    running.catch(() => undefined);
    const sleeps = "select from pg_stat_activity where application_name = 'cut off' and wait_event = 'PgSleep'";
    await expect.poll(async () => (await control.database.pool.query(sleeps)).rowCount, { timeout: 20_000 }).toBe(1);
    for (const socket of sockets.splice(0)) socket.destroy();
    await expect(running).rejects.toThrow(/terminated/);
    expect((await sql<{ one: number }>`select 1 as one`.execute(database.db)).rows).toEqual([{ one: 1 }]);
  } finally {
    await database.close();
    for (const socket of sockets) socket.destroy();
    proxy.close();
  }
});
