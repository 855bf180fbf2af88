import { afterAll, beforeAll, expect, test } from "vitest";
import type { LogLine } from "@aibos/contract";
import { createMultiVersionService } from "../../index.ts";
import { packFiles } from "../../testing/notes-module.ts";
import { ServiceWorld } from "../../testing/service-contract/service-world.ts";

const world = new ServiceWorld((options) => createMultiVersionService(options));
beforeAll(async () => {
  await world.begin();
  for (const version of ["1.0.0", "2.0.0"]) await world.service.publish(await chattyArchive(version));
  await world.service.createTenant({ id: "acme" });
}, 120_000);
afterAll(() => world.end());

/** A module whose files and process say something. */
function chattyArchive(version: string): Promise<Buffer> {
  const is2 = version === "2.0.0";
  return packFiles({
    "aibos.module.yaml": `id: chatty
version: "${version}"
title: Chatty
runtime: { command: ["node", "server.mjs"] }
${is2 ? 'upgrades: { from: "1.0.0" }\n' : ""}`,
    "server.mjs": `import { createServer } from "node:http";
console.log("chatty " + process.env.AIBOS_VERSION + " begins");
createServer((_request, response) => response.end("{}")).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`,
    "migrations/001_talks.up.sql": "create table talks (id int primary key);\n",
    "migrations/001_talks.down.sql": "drop table talks;\n",
    ...(is2
      ? {
          "migrations/002_words.up.sql":
            "alter table talks add column words text;\ndo $$ begin raise notice 'half of the talks'; end $$;\n" +
            "do $$ begin for n in 1..400 loop raise notice 'talk %', n; end loop; end $$;\n",
          "migrations/002_words.down.sql": "alter table talks drop column words;\n",
        }
      : {}),
  });
}

test("what a migration runs, and what database and process say, is stored in bounds and streamed to its end", async () => {
  await world.service.install("acme", "chatty", "1.0.0");
  const { id } = await world.service.start("acme", "chatty", { kind: "migrate", version: "2.0.0" });
  const streamed: LogLine[] = [];
  for await (const line of world.service.watchMigrationLog(id)) streamed.push(line);
  expect((await world.service.getMigration(id)).status).toBe("succeeded");
  const stored = await world.service.getMigrationLog(id);
  expect(streamed).toEqual(stored);

  const told = (step: string): string[] =>
    stored.filter((line) => line.step === step).map(({ kind, text }) => `${kind}: ${text}`);
  expect(told("deploy")).toContain("process: chatty 2.0.0 begins");
  expect(told("hop")).toContainEqual(expect.stringMatching(/^statement: alter table .*talks add column words text$/));
  expect(told("hop")).toContain("notice: half of the talks");
  expect(told("hop")).toContain("notice: talk 100");
  expect(told("hop")).not.toContain("notice: talk 400");
  expect(told("hop").at(-1)).toMatch(/^message: and \d+ more lines, which are not kept$/);
  expect(told("hop").length).toBeLessThan(310);
  const altered = stored.find(({ text }) => text.includes("add column words"));
  expect(altered?.ms).toBeGreaterThan(0);

  const rest = await world.service.getMigrationLog(id, { after: stored[1]?.number ?? 0, limit: 2 });
  expect(rest).toEqual(stored.slice(2, 4));
  await expect(world.service.getMigrationLog("mig_none")).rejects.toMatchObject({ code: "AIBOS_MIGRATION_NOT_FOUND" });
});
