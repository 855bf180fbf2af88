import { describe, expect, test } from "vitest";
import { packFiles } from "../notes-module.ts";
import type { ServiceWorld } from "./service-world.ts";

const release = (id: string, version: string, more: string, server: string): Promise<Buffer> =>
  packFiles({
    "aibos.module.yaml": `id: ${id}
version: "${version}"
title: ${id}
runtime: { command: ["node", "server.mjs"] }
${more}`,
    "server.mjs": server,
    "migrations/001_one.up.sql": "create table one (id bigint primary key);\n",
    "migrations/001_one.down.sql": "drop table one;\n",
  });

const SERVER = `import { createServer } from "node:http";
createServer((_request, response) => response.end("{}")).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

export function describeValidation(world: ServiceWorld): void {
  describe("looking at a move beforehand", () => {
    test("tells all problems at once, each with a code, and changes nothing", async () => {
      await world.service.publish(await release("ledger", "1.0.0", "", SERVER));
      const needs =
        'upgrades: { from: "1.0.0" }\ndependencies: { notes: ">=2.0.0" }\nlifecycle: { endOfLife: 2020-01-01 }\n';
      await world.service.publish(await release("ledger", "2.0.0", needs, "process.exit(3);\n"));
      const tenant = await world.tenantAt("1.0.0");
      await world.service.install(tenant, "ledger", "1.0.0");
      const before = await world.stateOf(tenant);
      const found = await world.service.validateMigration(tenant, "ledger", "2.0.0");
      expect(found).toMatchObject({ isValid: false, steps: [], estimate: null });
      expect(found.errors.map(({ code }) => code).sort()).toEqual([
        "AIBOS_DEPENDENCY_UNMET",
        "AIBOS_DEPLOYMENT_START_FAILED",
      ]);
      expect(found.warnings).toMatchObject([{ code: "AIBOS_VERSION_END_OF_LIFE", wayOut: expect.any(String) }]);
      expect(await world.stateOf(tenant)).toEqual(before);
    }, 60_000);

    test("tells of an operation that runs, and of what speaks against the move besides", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const { id } = await world.service.start(tenant, "notes", { kind: "migrate", version: "2.2.0", observe: 30 });
      const found = await world.service.migrateTenant(tenant, "notes", "1.0.0", { dryRun: true });
      expect(found.isValid).toBe(false);
      expect(found.errors.map(({ code }) => code).sort()).toEqual([
        "AIBOS_NO_UPGRADE_PATH",
        "AIBOS_OPERATION_IN_PROGRESS",
      ]);
      await world.service.cancelMigration(id);
      await world.service.waitForMigration(id);
    });

    test("estimates by size at first, and then by what earlier moves took; live releases have no downtime", async () => {
      const tenant = await world.tenantAt("2.0.0");
      expect((await world.service.validateMigration(tenant, "notes", "2.2.0")).estimate).toMatchObject({
        downtime: { lowMs: 0, highMs: 0 },
        basis: expect.stringMatching(/^(size|history)$/),
      });
      await world.sql.query(
        `insert into aibos.migration_records
           (id, tenant, module, kind, from_version, to_version, status, request, result, started_at, finished_at)
         select 'mig_estimate' || n, $1, 'notes', 'migrate', '1.1.0', '2.0.0', 'succeeded', '{"observe": 60}',
           jsonb_build_object('heldMs', n * 100), now() - interval '60 s' - n * interval '1 s', now()
         from generate_series(1, 9) as n`,
        [tenant],
      );
      const moved = await world.tenantAt("1.1.0");
      const { estimate } = await world.service.validateMigration(moved, "notes", "2.0.0");
      expect(estimate).toMatchObject({ basis: "history" });
      expect(estimate?.samples).toBeGreaterThanOrEqual(9);
      expect(estimate?.downtime.highMs).toBeGreaterThan(estimate?.downtime.lowMs ?? Infinity);
      // Its own table was never analysed: it counts by its pages.
      expect(estimate?.duration.highMs).toBeGreaterThan(4_000);
      await world.sql.query("delete from aibos.migration_records where id like 'mig_estimate%'");
    });
  });
}
