import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signTenantContext, type TenantContext } from "@aibos/contract";
import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { createVersionRole, grantTenant, provisionTenantSchema, revokeTenant } from "@aibos/tenant-data";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
const UP = new URL("../migrations/001_entries.up.sql", import.meta.url);
const contextKey = randomBytes(16).toString("hex");
const unique = randomBytes(4).toString("hex");
const versionRole = `guestbook_v_${unique}`;

let database: TestDatabase;
let owner: Client;
let child: ChildProcess;
let url: string;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  const password = randomBytes(12).toString("hex");
  await createVersionRole(owner, { role: versionRole, password });
  for (const tenant of ["acme", "globex"]) {
    const place = placeOf(tenant);
    await provisionTenantSchema(owner, place);
    await owner.query(`begin; set local role ${place.role}; set local search_path to ${place.schema};
      ${await readFile(UP, "utf8")}; commit`);
    await grantTenant(owner, { tenantRole: place.role, versionRole });
  }
  const login = new URL(database.url);
  login.username = versionRole;
  login.password = password;
  child = spawn(process.execPath, [MAIN], {
    env: {
      PORT: "0",
      AIBOS_DATABASE_URL: login.href,
      AIBOS_CONTEXT_KEY: contextKey,
      AIBOS_MODULE: "guestbook",
      AIBOS_VERSION: "1.0.0",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("The process has no output.");
  const { value: line } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  url = `http://127.0.0.1:${String(line).replace("Listening on ", "")}`;
});
afterAll(async () => {
  child.kill("SIGKILL");
  await owner.end();
  await database.drop();
});

function placeOf(tenant: string): { role: string; schema: string } {
  return { role: `guestbook_${tenant}_${unique}`, schema: `t__${tenant}__guestbook` };
}

function sign(tenant: string, changes: Partial<TenantContext> = {}): string {
  const expires = Math.floor(Date.now() / 1_000) + 60;
  return signTenantContext(
    {
      tenant,
      module: "guestbook",
      version: "1.0.0",
      ...placeOf(tenant),
      views: `${placeOf(tenant).schema}@1.0.0`,
      dataVersion: "1.0.0",
      expires,
      ...changes,
    },
    contextKey,
  );
}

async function send(path: string, context: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-aibos-context": context },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

test("entries are added and listed, each tenant's apart", async () => {
  expect((await send("/healthz", "")).status).toBe(200);
  expect((await send("/healthz/tenant", sign("acme"))).status).toBe(200);
  const entry = { author: "Ada", text: "Grüße!" };
  expect(await send("/entries", sign("acme"), entry)).toEqual({
    status: 201,
    body: { version: "1.0.0", entry: { id: 1, ...entry } },
  });
  expect((await send("/entries", sign("acme"))).body).toEqual({ version: "1.0.0", entries: [{ id: 1, ...entry }] });
  expect((await send("/entries", sign("globex"))).body).toEqual({ version: "1.0.0", entries: [] });
  expect((await send("/entries", sign("acme"), { author: "" })).status).toBe(400);
  expect((await send("/nothing", sign("acme"))).status).toBe(404);
});

test("a context that is missing, forged, expired or another version's is refused with 401", async () => {
  const contexts = ["", "v1.x.y", `${sign("acme")}x`, sign("acme", { expires: 1 }), sign("acme", { version: "2.0.0" })];
  for (const context of contexts) expect((await send("/entries", context)).status).toBe(401);
});

test("it answers 503 while it is shut out of a tenant's data", async () => {
  await revokeTenant(owner, { tenantRole: placeOf("globex").role, versionRole });
  expect((await send("/entries", sign("globex"))).status).toBe(503);
  expect((await send("/entries", sign("acme"))).status).toBe(200);
});

test("it ends by itself when it is asked to", async () => {
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
});
