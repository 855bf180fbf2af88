import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase } from "@aibos/local-postgres/testing";
import { createModuleKit, type ModuleKit } from "./module-kit.ts";
import { ProblemError } from "./problem-error.ts";
import { TenantContextError } from "./tenant-context-error.ts";
import type { TenantTransaction } from "./tenant-transaction.ts";
import { TenantUnavailableError } from "./tenant-unavailable-error.ts";
import { createNotesDatabase, type NotesDatabase } from "./testing/notes-database.ts";
import { startFlagFeed } from "./testing/flag-feed.ts";
import { TransactionLostError } from "./transaction-lost-error.ts";

let database: NotesDatabase;
let kit: ModuleKit;
const reported: unknown[] = [];

beforeAll(async () => {
  database = await createNotesDatabase(await createTestDatabase());
  kit = createModuleKit({
    environment: database.environment,
    connections: 2,
    report: (error) => reported.push(error),
  });
});
afterAll(async () => {
  await kit.close();
  await database[Symbol.asyncDispose]();
});

function requestWith(context: string | null): Request {
  return new Request("http://module/", { headers: context === null ? {} : { "x-aibos-context": context } });
}

function requestOf(tenant: "acme" | "globex"): Request {
  return requestWith(database.sign(tenant));
}

async function bodies(transaction: TenantTransaction): Promise<string[]> {
  const { rows } = await transaction.query<{ body: string }>("select body from notes order by id");
  return rows.map(({ body }) => body);
}

describe("what a tenant customised", () => {
  beforeAll(async () => {
    // What the platform has in its database, with answers of the test's.
    await database.owner.query(`create schema aibos_customizations;
      grant usage on schema aibos_customizations to public;
      create function aibos_customizations.hook(of_name text, of_version text)
        returns table (content text, payload_schema text, secret text) language sql as $$
        select '{"expression":{"+":[{"var":"n"},1]}}', '{"required":["n"]}', 'whsec_' where of_name = 'on-note' and of_version = '1.0.0' $$;
      create function aibos_customizations.content(of_name text, of_version text) returns text language sql as $$
        select '{"notes":{"colour":{"type":"text"},"size":{"type":"integer"}}}' where of_name = 'custom-fields' $$`);
    await database.owner.query(`alter table "t ""acme""".notes add column colour text, add column size integer`);
  });

  test("a hook is called with a payload that is checked", async () => {
    const hooks = kit.hooks(requestOf("acme"));
    expect(await hooks.call("on-note", { n: 1 })).toEqual({ status: "called", result: 2 });
    await expect(hooks.call("on-note", {})).rejects.toThrow('Hook "on-note": its payload is not valid');
    await expect(hooks.call("on-nothing", {})).rejects.toThrow("notes 1.0.0 declares no such hook");
    expect(() => kit.hooks(requestWith(null))).toThrow(TenantContextError);
  });

  test("columns of the tenant's own are written and read", async () => {
    const row = await kit.withTenant(requestOf("acme"), async (tenant) => {
      const own = await kit.customFields(tenant, "notes");
      const set = own.assign({ colour: "red", size: 3 }, 1);
      await tenant.query(`update notes set ${set?.sql ?? ""}`, set?.parameters);
      expect(() => own.assign({ 'x" = 1; drop': 1 }, 1)).toThrow("There are the custom fields colour, size.");
      const { rows } = await tenant.query<{ row: Record<string, unknown> }>("select to_jsonb(notes) as row from notes");
      return own.pick(rows[0]?.row ?? {});
    });
    expect(row).toEqual({ colour: "red", size: 3 });
    const none = await kit.withTenant(requestOf("acme"), (tenant) => kit.customFields(tenant, "others"));
    expect([none.fields, none.assign({}, 1)]).toEqual([[], undefined]);
  });
});

describe("a tenant's transaction", () => {
  test("reaches the tenant's tables, whatever kind of request carries the context", async () => {
    const incoming = new IncomingMessage(new Socket());
    incoming.headers["x-aibos-context"] = database.sign("globex");
    expect(await kit.withTenant(requestOf("acme"), bodies)).toEqual(["of acme"]);
    expect(await kit.withTenant(incoming, bodies)).toEqual(["of globex"]);
    expect(await kit.withTenant({ req: { raw: requestOf("acme") } }, bodies)).toEqual(["of acme"]);
  });

  test("has the tenant's role, schema and version, and leaves none of them on the connection", async () => {
    const settings = `select current_user as role, current_setting('search_path') as path,
      current_setting('aibos.version') as version`;
    const seen = await kit.withTenant(requestOf("acme"), async (tenant) => (await tenant.query(settings)).rows[0]);
    expect(seen).toEqual({
      role: expect.stringMatching(/^kit "acme"/) as string,
      path: '"t ""acme""@1.0.0", "t ""acme""", aibos_extensions, pg_temp',
      version: "1.0.0",
    });
    const { rows } = await database.owner.query(
      "select count(*)::int as open from pg_stat_activity where application_name = 'notes@1.0.0' and state <> 'idle'",
    );
    expect(rows).toEqual([{ open: 0 }]);
  });

  test("can't reach another tenant's schema", async () => {
    const other = kit.withTenant(requestOf("acme"), (tenant) => tenant.query('select from "t ""globex""".notes'));
    await expect(other).rejects.toMatchObject({ code: "42501" });
  });

  test("is stored when the callback ends, and taken back when it throws", async () => {
    const add = (tenant: TenantTransaction): Promise<unknown> =>
      tenant.query("insert into notes (body) values ($1)", ["new"]);
    await kit.withTenant(requestOf("acme"), add);
    const failing = kit.withTenant(requestOf("acme"), async (tenant) => {
      await add(tenant);
      throw new ProblemError(409, "NO", "No.");
    });
    await expect(failing).rejects.toThrow("No.");
    expect(await kit.withTenant(requestOf("acme"), bodies)).toEqual(["of acme", "new"]);
  });

  test("that is read-only refuses writes", async () => {
    const write = kit.withTenant(requestOf("acme"), (tenant) => tenant.query("delete from notes"), { readOnly: true });
    await expect(write).rejects.toMatchObject({ code: "25006" });
  });

  test("is not taken for stored when the callback swallowed a failed statement", async () => {
    const swallowed = kit.withTenant(requestOf("acme"), async (tenant) => {
      await tenant.query("insert into notes (body) values (null)").catch(() => undefined);
    });
    await expect(swallowed).rejects.toThrow(TransactionLostError);
  });

  test("is over with its callback, for statements that nobody waited for too", async () => {
    const late = await kit.withTenant(requestOf("acme"), (tenant) => Promise.resolve({ tenant }));
    await expect(late.tenant.query("select 1")).rejects.toThrow("The transaction has ended");
    expect(Object.isFrozen(late.tenant)).toBe(true);
  });

  test("of one tenant follows another's on the same connections, and more wait than there are connections", async () => {
    const tenants = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? "acme" : "globex"));
    const first = await Promise.all(
      tenants.map((tenant) => kit.withTenant(requestOf(tenant), async (t) => (await bodies(t))[0])),
    );
    expect(first).toEqual(tenants.map((tenant) => `of ${tenant}`));
  });
});

describe("a context", () => {
  test.each([
    ["that is missing", () => null, "missing"],
    ["that can't be read", () => "v1.x", "malformed"],
    ["that was changed", () => database.sign("acme").replace(/\.(.)/, ".f$1"), "wrong-signature"],
    ["that has expired", () => database.sign("acme", { expires: 1 }), "expired"],
    ["of another version", () => database.sign("acme", { version: "2.0.0" }), "another-version"],
    ["of another module", () => database.sign("acme", { module: "crm" }), "another-version"],
  ])("%s is refused with 401", async (_, context, reason) => {
    const refused = await kit.withTenant(requestWith(context()), bodies).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TenantContextError);
    expect(refused).toMatchObject({ reason });
    const answer = kit.problem(refused);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ status: 401, code: "AIBOS_TENANT_CONTEXT" });
  });
});

describe("a version that is shut out of a tenant's data", () => {
  test("answers 503 with Retry-After until it is let in again", async () => {
    await database.revoke("globex");
    const refused = await kit.withTenant(requestOf("globex"), bodies).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TenantUnavailableError);
    const answer = kit.problem(refused);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await kit.tenantHealth(requestOf("globex"), () => Promise.resolve([]))).status).toBe(503);
    await database.grant("globex");
    expect(await kit.withTenant(requestOf("globex"), bodies)).toEqual(["of globex"]);
  });

  test("is told the same of a role that is not there", async () => {
    const context = database.sign("acme", { role: "nobody_of_this_name" });
    await expect(kit.withTenant(requestWith(context), bodies)).rejects.toThrow(TenantUnavailableError);
  });
});

describe("health", () => {
  test("of the process is that of its database", async () => {
    expect((await kit.health()).status).toBe(200);
    const environment = { ...database.environment, AIBOS_DATABASE_URL: "postgres://u:p@127.0.0.1:1/none" };
    const cut = createModuleKit({ environment });
    expect((await cut.health()).status).toBe(503);
    await expect(cut.withTenant(requestOf("acme"), bodies)).rejects.toThrow("The database does not answer.");
    await cut.close();
  });

  test("of a tenant is what the module finds in its data", async () => {
    const check = async (tenant: TenantTransaction): Promise<string[]> =>
      (await bodies(tenant)).length > 1 ? ["Too many notes."] : [];
    expect((await kit.tenantHealth(requestOf("globex"), check)).status).toBe(200);
    const unhealthy = await kit.tenantHealth(requestOf("acme"), check);
    expect(unhealthy.status).toBe(503);
    expect(await unhealthy.json()).toEqual({ status: "unhealthy", issues: ["Too many notes."] });
    expect((await kit.tenantHealth(requestWith(null), check)).status).toBe(401);
  });
});

test("a failed statement is reported to the log and never to the client", async () => {
  const failed = await kit
    .withTenant(requestOf("acme"), (tenant) => tenant.query("select secret from hidden_table"))
    .catch((error: unknown) => error);
  const answer = kit.problem(failed);
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toMatch(/secret|hidden_table|42P01/);
  expect(reported).toEqual([failed]);
});

test("without a place to follow flags at, each is what its caller falls back to", () => {
  const flags = kit.flags(requestOf("acme"));
  expect([flags.boolean("new_ui_enabled"), flags.string("theme", "light"), flags.number("limit", 3)]).toEqual([
    false,
    "light",
    3,
  ]);
  expect(() => kit.flags(requestWith(null))).toThrow(TenantContextError);
});

test("flags are those of the request's tenant, evaluated in this process", async () => {
  await using feed = await startFlagFeed();
  const environment = { ...database.environment, AIBOS_FLAGS_URL: feed.url, AIBOS_FLAGS_KEY: feed.key };
  const exposures: string[] = [];
  const own = createModuleKit({
    environment,
    exposed: ({ flag, variant, tenant, user }) => exposures.push(`${tenant} ${user}: ${flag} ${variant}`),
  });
  const isOn = (tenant: "acme" | "globex"): boolean => own.flags(requestOf(tenant)).boolean("new_ui_enabled");
  await expect.poll(() => isOn("acme")).toBe(true);
  expect(isOn("globex")).toBe(false);
  // Of an experiment, whoever meets it is told of, once.
  for (const user of ["ann", "bob", "ann"]) own.flags(requestOf("acme")).boolean("test", { user });
  expect(exposures).toEqual(["acme ann: test on", "acme bob: test on"]);
  await own.close();
});

test("an answer tells the gateway which guarded rollouts it met, also when it is of an error; no other answer does", async () => {
  await using feed = await startFlagFeed();
  const environment = { ...database.environment, AIBOS_FLAGS_URL: feed.url, AIBOS_FLAGS_KEY: feed.key, PORT: "0" };
  const own = createModuleKit({ environment, report: () => undefined });
  const server = await own.serve(async (request) => {
    const user = new URL(request.url).searchParams.get("user") || undefined;
    await Promise.resolve();
    if (own.flags(request).boolean("guarded", { user })) throw new Error("the new way fails");
    return Response.redirect("http://elsewhere.example/");
  });
  const ask = async (user: string): Promise<[number, string | null]> => {
    const url = `http://127.0.0.1:${server.port}/?user=${user}`;
    const { status, headers } = await fetch(url, {
      headers: { "x-aibos-context": database.sign("acme") },
      redirect: "manual",
    });
    return [status, headers.get("x-aibos-flags")];
  };
  await expect.poll(async () => (await ask("u1"))[1]).toMatch(/^guarded=/);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(`u${index}`)));
  const kinds = new Set(answers.map(([status, met]) => `${status} ${met}`));
  expect([...kinds].sort()).toEqual(["302 guarded=out", "500 guarded=in"]);
  expect(await ask("")).toEqual([302, null]);
  await server.stop();
  await own.close();
});
