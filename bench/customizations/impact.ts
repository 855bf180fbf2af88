import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseModuleId, parseVersion } from "@aibos/domain";
import { startLocalPostgres } from "@aibos/local-postgres";
import { type ControlDatabase, openControlDatabase } from "../../packages/control-plane/src/db/control-database.ts";
import { migrateControlSchema } from "../../packages/control-plane/src/db/migrate-control-schema.ts";
import { analyseImpact } from "../../packages/control-plane/src/features/customizations/customization-impact.ts";
import { createCustomizableReadModel } from "../../packages/control-plane/src/features/customizations/customizable-read-model.ts";
import { type Cost, costOf, describeCosts } from "./timed.ts";

const DOCUMENTS = 5;
const module = parseModuleId("bench");
const path = [parseVersion("1.0.0"), parseVersion("2.0.0")];

/** The analysis of a fleet: with a hundred different contents of each document, and with none that two tenants share. */
export async function impact({ tenants, rounds }: { tenants: number; rounds: number }): Promise<void> {
  for (const variants of [100, tenants]) {
    const folder = await mkdtemp(join(tmpdir(), "aibos-bench-"));
    const postgres = await startLocalPostgres({ folder, settings: ["fsync=off"] });
    try {
      await migrateControlSchema(postgres.superuserUrl);
      const database = openControlDatabase(postgres.superuserUrl, "bench", 2);
      await seed(database, tenants, variants);
      const costs: Cost[] = [];
      let merges = 0;
      for (let round = 0; round < rounds; round += 1) {
        costs.push(
          await costOf(async () => {
            ({ merges } = await analyseImpact(database, createCustomizableReadModel(database.db), { module, path }));
          }),
        );
      }
      const name = `${tenants} tenants × ${DOCUMENTS} documents, ${merges} different`;
      console.log(describeCosts(name, costs, 10_000));
      await database.close();
    } finally {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Tenants with documents of about 1 KB that differ in one number, of which a tenth conflicts. */
async function seed({ pool }: ControlDatabase, tenants: number, variants: number): Promise<void> {
  const lines = Array.from({ length: 20 }, (_, index) => `key${index}: "a value of some length, number ${index}"`);
  const text = (days: string): string => `days: ${days}\n${lines.join("\n")}\n`;
  const schema = '{"type":"object"}';
  const digest = (sql: string): string => `encode(sha256(convert_to(${sql}, 'utf8')), 'hex')`;
  await pool.query("insert into modules (id, title) values ('bench', 'Bench')");
  await pool.query(`insert into artifacts (digest, content) values (repeat('0', 64), '')`);
  await pool.query(
    `insert into module_versions (module, version, sort_key, title, manifest, digest, size_bytes, migrations)
     select 'bench', v, v, 'Bench', '{}', repeat('0', 64), 0, '[]' from unnest(array['1.0.0', '2.0.0']) v`,
  );
  for (const content of [text("14"), text("21"), schema]) {
    await pool.query(`insert into customization_texts select ${digest("$1::text")}, $1`, [content]);
  }
  await pool.query(
    `insert into customizables (module, version, name, kind, format, default_digest, schema_digest)
     select 'bench', v, 'doc' || n, 'document', 'yaml', ${digest("case v when '1.0.0' then $1::text else $2::text end")}, ${digest("$3::text")}
     from unnest(array['1.0.0', '2.0.0']) v, generate_series(1, ${DOCUMENTS}) n`,
    [text("14"), text("21"), schema],
  );
  await pool.query(`insert into tenants (id, title) select 't' || n, '' from generate_series(1, $1::int) n`, [tenants]);
  await pool.query(
    `insert into tenant_modules (tenant, module, schema_name, role_name, data_version)
     select 't' || n, 'bench', 's' || n, 'r' || n, '1.0.0' from generate_series(1, $1::int) n`,
    [tenants],
  );
  await pool.query(
    `insert into tenant_module_instances (id, tenant, module, version, status, data_version)
     select 'i' || n, 't' || n, 'bench', '1.0.0', 'active', '1.0.0' from generate_series(1, $1::int) n`,
    [tenants],
  );
  // One in ten variants changes what the vendor changes too; the others add something of their own.
  const content = `case when (n % $2::int) % 10 = 0 then replace($3::text, 'days: 14', 'days: ' || 100 + n % $2::int)
    else $3::text || 'own' || d || ': ' || n % $2::int || E'\\n' end`;
  await pool.query(
    `with wanted as (select 't' || n as tenant, 'doc' || d as name, ${content} as content
       from generate_series(1, $1::int) n, generate_series(1, ${DOCUMENTS}) d),
     texts as (insert into customization_texts select distinct ${digest("content")}, content from wanted on conflict do nothing)
     select`,
    [tenants, variants, text("14")],
  );
  await pool.query(
    `insert into customizations (tenant, module, version, name, base_digest, content_digest, origin, author)
     select 't' || n, 'bench', '1.0.0', 'doc' || d, ${digest("$3::text")}, ${digest(`(${content})`)}, 'edit', 'bench'
     from generate_series(1, $1::int) n, generate_series(1, ${DOCUMENTS}) d`,
    [tenants, variants, text("14")],
  );
  await pool.query("analyze");
}
