import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { declareCustomField } from "../../custom-fields/custom-fields.ts";
import { fingerprintSchema } from "../../fingerprint/fingerprint-schema.ts";
import { parseOperations } from "../../operations/parse-operations.ts";
import { quoteIdentifier } from "../../quote-identifier.ts";
import { withTenantSession } from "../../roles/tenant-session.ts";
import { createTenantDatabase } from "../../testing/tenant-database.ts";
import { openLiveSchema } from "../live-schema.ts";
import { createLiveWorld, type LiveWorld, release } from "../testing/live-world.ts";
import type { ReleaseFinding, ReleaseValidation, ValidationBudget } from "./release-validation.ts";

let world: LiveWorld;
beforeEach(async () => {
  world = await createLiveWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const TO_INTEGER = { alter_column: { table: "t", column: "v", type: "integer", up: "v::integer", down: "v::text" } };
const own = (change: object): unknown => ({
  alter_column: { table: "t", column: "w", up: "w", down: "w", ...change },
});

async function everything(client: pg.ClientBase = world.client): Promise<unknown> {
  const { rows } = await client.query("select nspname from pg_namespace order by 1");
  return [rows, await fingerprintSchema(client, world.schema)];
}

/** Validates a release, which must leave the database as it was. */
async function validate(
  operations: readonly unknown[],
  { from = "1", to = "2", budget }: { from?: string; to?: string; budget?: ValidationBudget } = {},
): Promise<ReleaseValidation> {
  const before = await everything();
  const validation = await world.live.validate(from, release(to, [...operations]), budget);
  expect(await everything()).toEqual(before);
  expect(validation.isValid).toBe(errors(validation).length === 0);
  return validation;
}

function errors({ findings }: ReleaseValidation): string[] {
  return findings.filter(({ severity }) => severity === "error").map(({ code, message }) => `${code}: ${message}`);
}

function only({ findings }: ReleaseValidation, code: ReleaseFinding["code"]): ReleaseFinding[] {
  return findings.filter((finding) => finding.code === code);
}

const ROWS = `create table t (id int primary key, v text not null, w int); create table p (id int primary key);
  insert into t select n, n::text, n % 7 from generate_series(1, 500) n`;

describe("validating a release", () => {
  it("finds nothing in the way of one that fits, and tells the work that it makes", async () => {
    await world.given(`${ROWS}; create view seen as select id from t`);
    const validation = await validate([
      TO_INTEGER,
      { create_index: { table: "t", name: "t_w", columns: ["w"] } },
      { create_table: { name: "u", columns: [{ name: "id", type: "serial", pk: true }] } },
    ]);
    expect(validation).toMatchObject({ isValid: true, rowsToFill: 500, bytesToFill: expect.any(Number) });
    expect(validation.tables).toEqual([
      {
        table: "t",
        rows: 500,
        bytes: validation.bytesToFill,
        fills: true,
        indexesBuilt: 1,
        constraintsChecked: 1,
        looked: "all",
        rowsLooked: 500,
      },
    ]);
    expect(validation.findings).toMatchObject([{ code: "writers-named", severity: "note" }]);
  });

  it("tells all that is wrong at once, each with its place, and nothing that only follows", async () => {
    await world.given(`${ROWS}; update t set v = 'x' where id = 321; update t set w = null where id in (5, 6)`);
    const validation = await validate([
      { drop_column: { table: "nowhere", column: "v" } },
      { add_column: { table: "t", column: { name: "fresh", type: "nothing", nullable: true } } },
      { rename_column: { table: "t", from: "fresh", to: "fresher" } },
      { add_column: { table: "t", column: { name: "sum", type: "int" }, up: "id + nobody" } },
      TO_INTEGER,
      own({ nullable: false }),
      own({ unique: { name: "w_once" } }),
      own({ check: { name: "small", constraint: "w < 6" } }),
      own({ references: { name: "to_p", table: "p", column: "id" } }),
      { create_index: { table: "p", name: "p_x", columns: ["id"], predicate: "lower(id) = ''" } },
    ]);
    const inFile = (number: number, kind: string): string => `001_change.yaml, operation ${number} (${kind}): `;
    expect(errors(validation)).toEqual([
      `operation-invalid: ${inFile(1, "drop_column")}there is no table "nowhere"; there are p, t.`,
      `operation-invalid: ${inFile(2, "add_column")}the type of column "fresh" is not one: type "nothing" does not exist (SQLSTATE 42704).`,
      `operation-invalid: 2, table "t": the "up" for column "sum" does not fit: column "nobody" does not exist (SQLSTATE 42703). It is: "id" + nobody`,
      expect.stringContaining(
        `operation-invalid: 2: building index "p_x" on "p" failed: function lower(integer) does not`,
      ),
      `conversion-fails: Table "t", row {"id": 321}, can't be brought to 2: invalid input syntax for type integer: "x". The "up" of column "v" is: "v"::integer. Correct the row, or the release.`,
      `value-missing: Table "t": column "w" would hold no value in 2 rows, and 2 wants one in each, such as row {"id": 5}. Correct the rows, or give "up" that does.`,
      expect.stringMatching(
        /^check-violated: Table "t": 70 rows would break the check "small", such as row {"id": \d+}/,
      ),
      expect.stringMatching(
        /^reference-missing: Table "t": 498 rows would refer by "to_p" to a row of "p" that is not there/,
      ),
      `not-unique: Table "t": 7 values of (w) are there more than once, such as (0) 71 times, and "w_once" wants them unique. Correct the rows, or give "up" that does.`,
    ]);
    expect(only(validation, "conversion-fails")).toMatchObject([
      { table: "t", column: "v", row: '{"id": 321}', expression: '"v"::integer' },
    ]);
  });

  it("agrees with the start and the backfill themselves about what is too long", async () => {
    await world.given(
      `${ROWS}; update t set v = 'much too long' where id = 7; update t set v = 'fits     ' where id = 8`,
    );
    const change = { alter_column: { table: "t", column: "v", type: "varchar(5)", up: "v", down: "v" } };
    expect(errors(await validate([change]))).toEqual([
      expect.stringContaining(`row {"id": 7}, can't be brought to 2: value too long for type character varying(5).`),
    ]);
    await expect(world.bring("1", release("2", [change]))).rejects.toThrow(
      `row {"id": 7}, can't be brought to 2: value too`,
    );
  });

  it("gives the two ways out of a custom field's conflict, and looks at the rest", async () => {
    await world.given(ROWS);
    await declareCustomField(world.client, world.schema, { table: "t", name: "age", type: "text" });
    const validation = await validate([
      { add_column: { table: "t", column: { name: "age", type: "integer", nullable: true } } },
      { alter_column: { table: "t", column: "age", name: "years" } },
      { drop_table: { name: "nowhere" } },
    ]);
    expect(validation.findings.slice(0, 2)).toMatchObject([
      { code: "custom-field-conflict", table: "t", column: "age", choices: [{ adopt: true }, { rename: "own_age" }] },
      { code: "operation-invalid", where: "001_change.yaml, operation 3 (drop_table)" },
    ]);
    expect(errors(validation)).toHaveLength(2);
  });

  it("tells the risks of an author's own SQL, what is refused for a large table, and what rows could not show", async () => {
    await world.given(`${ROWS}; insert into t select n, repeat('1', 1000), 1 from generate_series(1000, 10000) n`);
    const validation = await validate([
      {
        sql: {
          up: "create function twice(int) returns int language sql as 'select $1 * 2'",
          down: "drop function twice(int)",
        },
      },
      { sql: { up: "alter table t alter column w type bigint" } },
      { sql: { up: "drop table p", onComplete: true } },
      { add_column: { table: "t", column: { name: "double", type: "int", nullable: true }, up: "twice(w)" } },
    ]);
    expect(errors(validation)).toEqual([
      expect.stringMatching(/operation 2 \(sql\): line 1 rewrites the whole of "t" while nobody can write to it/),
    ]);
    expect(only(validation, "sql-risk").map(({ statement, message }) => [statement?.kind, message])).toEqual([
      ["AlterTableStmt", expect.stringContaining("AccessExclusiveLock")],
      ["DropStmt", expect.any(String)],
    ]);
    expect(only(validation, "rows-not-checked")).toMatchObject([
      { table: "t", message: expect.stringContaining('the "up" of column "double" could not be tried on its rows') },
      { severity: "note", message: expect.stringMatching(/operation 2 .*line 1: it was tried on empty tables/) },
    ]);
  });

  it("tries the end of the release as well: what keeps an old column, and SQL that can't be undone", async () => {
    await world.given(`${ROWS}; create view seen as select w from t`);
    expect(errors(await validate([{ drop_column: { table: "t", column: "w" } }]))).toEqual([
      expect.stringMatching(/^complete-fails: .*other objects depend on it/),
    ]);
    expect(errors(await validate([{ sql: { up: "create table q ()", down: "drop table qq" } }]))).toEqual([
      expect.stringMatching(/^rollback-fails: 001_change.yaml, operation 1 \(sql\): table "qq" does not exist/),
    ]);
  });

  it("looks at a sample of a table with more rows than a limit, and says so", async () => {
    await world.given(`${ROWS}; insert into t select n, n::text, 1 from generate_series(1000, 20000) n;
      update t set v = 'x' where id = 20000; analyze t`);
    const { tables, ...validation } = await validate([TO_INTEGER], { budget: { rowLimit: 1_000, sampleRows: 2_000 } });
    expect(tables).toMatchObject([{ looked: "sample", rows: expect.any(Number) }]);
    expect(tables[0]?.rowsLooked).toBeGreaterThan(1_500);
    expect(tables[0]?.rowsLooked).toBeLessThan(10_000);
    expect(only({ tables, ...validation }, "conversion-fails")).toMatchObject([{ row: '{"id": 20000}' }]);
    const hurried = await validate([TO_INTEGER], { budget: { timeMs: 0 } });
    expect(only(hurried, "rows-not-checked")[0]?.message).toContain("the time for it was over");
  });

  it("can't see rows that are hidden from the owner too, and says so; what can't be filled at all is an error", async () => {
    await world.given(`${ROWS}; alter table t enable row level security; alter table t force row level security;
      create policy nobody on t using (false)`);
    expect(only(await validate([TO_INTEGER]), "rows-hidden")).toMatchObject([{ severity: "warning", table: "t" }]);
    await world.given("create policy fewer on t as restrictive using (false)");
    expect(errors(await validate([TO_INTEGER]))).toEqual([expect.stringContaining("not every row could be filled")]);
  });

  it("reads partitions, other tables, and columns that an earlier live version made", async () => {
    await world.given(`create table p (id int primary key, n int); insert into p values (1, 10), (2, null);
      create table t (id int primary key, v text not null) partition by range (id);
      create table t1 partition of t for values from (0) to (10); create table t2 partition of t for values from (10) to (99);
      insert into t values (1, '1'), (12, '2')`);
    await world.bring("1", release("2", [TO_INTEGER, { rename_table: { from: "t", to: "u" } }]));
    const up = "(select n from p where p.id = u.v)";
    const validation = await validate([{ add_column: { table: "u", column: { name: "n", type: "int" }, up } }], {
      from: "2",
      to: "3",
    });
    expect(only(validation, "value-missing")).toMatchObject([{ row: '{"id": 12}', column: "n", rows: 1 }]);
    expect(errors(validation)).toHaveLength(1);
    expect(errors(await validate([TO_INTEGER], { to: "3" }))).toEqual([
      expect.stringContaining("version-not-live: 1 can't be used"),
    ]);
    const changed = { ...release("2", [TO_INTEGER]), files: [parseOperations("001_change.yaml", "operations: []")] };
    expect((await world.live.validate("1", changed)).findings).toMatchObject([
      { code: "drift", message: expect.stringContaining("its content was changed") },
    ]);
    expect(await validate([TO_INTEGER, { rename_table: { from: "t", to: "u" } }])).toMatchObject({ isValid: true });
  });

  it("warns of triggers that filling fires and of who keeps a table, and waits for neither", async () => {
    await world.given(`${ROWS}; create function f() returns trigger language plpgsql as 'begin return null; end';
      create trigger told after update on t for each row execute function f()`);
    const other = new pg.Client({ connectionString: world.url });
    await other.connect();
    await other.query(`begin; update ${quoteIdentifier(world.schema)}.t set w = 0`);
    const validation = await validate([TO_INTEGER], { budget: { longSeconds: 0 } });
    await other.end();
    expect(errors(validation)).toEqual([]);
    expect(only(validation, "trigger-fires")).toMatchObject([
      { table: "t", message: expect.stringContaining('"told"') },
    ]);
    expect(only(validation, "table-in-use")).toMatchObject([
      { table: "t", message: expect.stringContaining("idle in transaction") },
    ]);
  });

  it("locks no table of the tenant's that somebody could wait for", async () => {
    await world.given(ROWS);
    const strong = `do $$ begin
      if exists (select from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
        where l.pid = pg_backend_pid() and n.nspname = '${world.schema}' and l.mode <> 'AccessShareLock')
      then raise exception 'a table is locked'; end if; end $$`;
    const operations = [{ sql: { up: strong } }, TO_INTEGER, { sql: { up: strong, onComplete: true } }];
    expect(errors(await validate(operations))).toEqual([]);
    await world.client.query(`begin; lock table ${quoteIdentifier(world.schema)}.t in share mode`);
    await expect(world.client.query(strong)).rejects.toThrow("a table is locked");
    await world.client.query("rollback");
  });

  it("leaves nothing behind when its session is killed in the midst", async () => {
    await world.given(ROWS);
    const before = await everything();
    const doomed = new pg.Client({ connectionString: world.url });
    doomed.on("error", () => undefined);
    await doomed.connect();
    const { rows } = await doomed.query<{ pid: number }>("select pg_backend_pid() as pid");
    const operations = [{ sql: { up: "select pg_sleep(60)" } }, TO_INTEGER];
    const validating = openLiveSchema({ client: doomed, schema: world.schema }).validate("1", release("2", operations));
    const failed = validating.then(() => "no error", String);
    const asleep = "select from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'";
    while ((await world.client.query(asleep, [rows[0]?.pid])).rowCount === 0);
    await world.client.query("select pg_terminate_backend($1, 5000)", [rows[0]?.pid]);
    expect(await failed).toMatch(/terminat/);
    expect(await everything()).toEqual(before);
  });
});

it("a session that may not make schemas validates and starts with those that are made for it, and they go", async () => {
  await using tenant = await createTenantDatabase();
  const { place, client: platform, database } = tenant;
  await tenant.given(ROWS);
  const schemas = async (): Promise<unknown> =>
    (await platform.query("select nspname from pg_namespace order by 1")).rows;
  const before = await schemas();
  await withTenantSession({ platform, url: database.url, place }, async ({ client }) => {
    await client.query("reset lock_timeout");
    const live = openLiveSchema({
      client,
      schema: place.schema,
      async createSchema(name) {
        await platform.query(`create schema ${quoteIdentifier(name)} authorization ${quoteIdentifier(place.role)}`);
      },
    });
    expect(await live.validate("1", release("2", [TO_INTEGER]))).toMatchObject({ isValid: true, rowsToFill: 500 });
    expect(await schemas()).toEqual(before);
    await expect(live.start("1", release("2", [{ drop_table: { name: "nowhere" } }]))).rejects.toThrow("no table");
    expect(await schemas()).toEqual(before);
    await live.start("1", release("2", [TO_INTEGER]));
    await live.rollback("2");
    expect(await schemas()).toEqual(before);
  });
});
