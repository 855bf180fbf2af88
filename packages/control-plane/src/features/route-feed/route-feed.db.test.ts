import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type FeedMessage, feedMessageSchema } from "@aibos/contract";
import { parseModuleId, parseTenantId, parseVersion } from "@aibos/domain";
import type { StoredRouteChange } from "../../db/control-tables.ts";
import { seedTenantModule, seedVersion } from "../../testing/test-catalog.ts";
import { createTestControl, type TestControl } from "../../testing/test-control.ts";
import { pruneRouteChanges, publishRouteChanges } from "./publish-route-changes.ts";
import { readTenantRoute } from "./read-tenant-route.ts";
import { createRouteFeed, type RouteFeed } from "./route-feed.ts";

let control: TestControl;
let feed: RouteFeed;
const stops: AbortController[] = [];
beforeAll(async () => {
  control = await createTestControl();
  feed = createRouteFeed({
    ...control,
    feedId: "feed-1",
    testerKey: "tester key",
    contextKeyOf: (module, version) => `key of ${module}@${version}`,
  });
  await seedTenantModule(control.database, {
    tenant: "acme",
    module: "notes",
    weights: { "1.0.0": 9_000, "1.10.0": 1_000 },
  });
  await seedTenantModule(control.database, { tenant: "bolt", module: "notes", weights: {} });
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});
afterAll(async () => {
  await feed.close();
  await control[Symbol.asyncDispose]();
});

const acme = { tenant: parseTenantId("acme"), module: parseModuleId("notes") };
const removed: StoredRouteChange = { kind: "route", ...acme, route: null };
const publish = (...changes: StoredRouteChange[]) =>
  control.database.transaction((tx) => publishRouteChanges(tx, () => (changes.length === 0 ? [removed] : changes)));

/** Subscribes; `next` gives the next message that says something, `raw` the next one. */
function subscribe(since = 0, name?: string, source = feed) {
  const stop = new AbortController();
  stops.push(stop);
  const messages = source.subscribe({ since, signal: stop.signal, ...(name === undefined ? {} : { feed: name }) });
  async function raw(): Promise<FeedMessage | undefined> {
    const result = await messages.next();
    return result.done === true ? undefined : feedMessageSchema.parse(result.value);
  }
  async function next(): Promise<FeedMessage | undefined> {
    for (;;) {
      const message = await raw();
      if (message?.type !== "heartbeat") return message;
    }
  }
  return { raw, next, stop };
}

function dataOf(version: string) {
  return { schema: "t_acme__notes", views: `t_acme__notes@${version}`, dataVersion: version };
}

async function head(): Promise<number> {
  return (await control.database.db.selectFrom("route_head").select("revision").executeTakeFirstOrThrow()).revision;
}

describe("a route", () => {
  test("has its versions newest first, with their shares", async () => {
    expect(await readTenantRoute(control.database.db, acme.tenant, acme.module)).toEqual({
      ...acme,
      state: "active",
      role: "r_acme__notes",
      versions: [
        { version: "1.10.0", weight: 1_000, ...dataOf("1.10.0") },
        { version: "1.0.0", weight: 9_000, ...dataOf("1.0.0") },
      ],
      hold: null,
      policy: null,
    });
  });

  test("is none while no version serves", async () => {
    expect(await readTenantRoute(control.database.db, parseTenantId("bolt"), acme.module)).toBeNull();
    expect(await readTenantRoute(control.database.db, parseTenantId("nobody"), acme.module)).toBeNull();
  });

  test("carries the hold and the tenant's state", async () => {
    await seedTenantModule(control.database, { tenant: "held", module: "notes", weights: { "1.0.0": 10_000 } });
    const held = { tenant: parseTenantId("held"), module: acme.module };
    const { db } = control.database;
    await db
      .insertInto("migration_records")
      .values({
        id: "mig_1",
        ...held,
        kind: "migrate",
        from_version: null,
        to_version: null,
        status: "running",
        request: "{}",
      })
      .execute();
    await db
      .insertInto("route_holds")
      .values({ ...held, migration_id: "mig_1", reason: "moving", max_wait_ms: 30_000, retry_after_seconds: 5 })
      .execute();
    await db.updateTable("tenants").set({ state: "suspended" }).where("id", "=", held.tenant).execute();
    expect(await readTenantRoute(db, held.tenant, held.module)).toMatchObject({
      state: "suspended",
      hold: { migrationId: "mig_1", reason: "moving", maxWaitMs: 30_000, retryAfterSeconds: 5 },
    });
  });
});

describe("a feed", () => {
  test("begins with a snapshot for a gateway that knows nothing, and goes on with what comes", async () => {
    const before = await head();
    const { next } = subscribe();
    expect(await next()).toMatchObject({
      type: "snapshot",
      feed: "feed-1",
      revision: before,
      routes: expect.arrayContaining([expect.objectContaining({ tenant: "acme" })]),
    });
    const revision = await publish();
    expect(revision).toBe(before + 1);
    expect(await next()).toEqual({ type: "delta", revision, changes: [removed] });
  });

  test("continues where a gateway of the same feed was, and says at once that it is there", async () => {
    const first = await publish();
    const second = await publish();
    const { next } = subscribe(first, "feed-1");
    expect(await next()).toMatchObject({ type: "delta", revision: second });
    expect(await subscribe(second, "feed-1").raw()).toEqual({ type: "heartbeat", revision: second });
  });

  test.each(["another feed", undefined])("of a gateway that knows %s begins anew", async (name) => {
    expect(await subscribe(await publish(), name).next()).toMatchObject({ type: "snapshot" });
  });

  test("begins anew for a gateway that knows a later revision than there is", async () => {
    expect(await subscribe((await publish()) + 5, "feed-1").next()).toMatchObject({ type: "snapshot" });
  });

  test("begins anew when the revisions in between were forgotten, even while it runs", async () => {
    const since = await publish();
    const { raw, next } = subscribe(since, "feed-1");
    await raw();
    for (let n = 0; n < 4; n += 1) await publish();
    await pruneRouteChanges(control.database.db, 2);
    expect(await next()).toMatchObject({ type: "snapshot", revision: since + 4 });
    expect(await subscribe(since + 2, "feed-1").next()).toMatchObject({ type: "delta", revision: since + 3 });
  });

  test("gives many revisions in their order and without gaps, whoever publishes at the same time", async () => {
    const since = await publish();
    const { next } = subscribe(since, "feed-1");
    await Promise.all(Array.from({ length: 250 }, () => publish()));
    for (let n = 1; n <= 250; n += 1) expect(await next()).toMatchObject({ type: "delta", revision: since + n });
  });

  test("tells nothing of changes that were rolled back", async () => {
    const since = await publish();
    const { next } = subscribe(since, "feed-1");
    await control.database
      .transaction(async (tx) => {
        await publishRouteChanges(tx, () => [removed, removed]);
        throw new Error("thought better of it");
      })
      .catch(() => undefined);
    await publish();
    expect(await next()).toEqual({ type: "delta", revision: since + 1, changes: [removed] });
  });

  test("works without notices", async () => {
    const deaf = createRouteFeed({
      ...control,
      notifications: { on: () => () => undefined, close: async () => undefined },
      feedId: "feed-1",
      testerKey: "tester key",
      contextKeyOf: () => "",
    });
    const { raw, next } = subscribe(await publish(), "feed-1", deaf);
    await raw();
    const waiting = next();
    const revision = await publish();
    expect(await waiting).toMatchObject({ revision });
    await deaf.close();
  });

  test("ends when it is told to, also while it waits", async () => {
    const { raw, next, stop } = subscribe(await publish(), "feed-1");
    await raw();
    const waiting = next();
    stop.abort();
    expect(await waiting).toBeUndefined();
  });

  test("ends when the feed is closed", async () => {
    const closing = createRouteFeed({ ...control, feedId: "feed-1", testerKey: "tester key", contextKeyOf: () => "" });
    const { raw, next } = subscribe(await publish(), "feed-1", closing);
    await raw();
    const waiting = next();
    await closing.close();
    expect(await waiting).toBeUndefined();
  });
});

describe("addresses of versions", () => {
  const version = parseVersion("1.0.0");

  test("come with the key of the version, which is stored nowhere", async () => {
    await seedVersion(control.database, "notes", "3.0.0");
    const { db } = control.database;
    const address = { state: "healthy", url: "http://127.0.0.1:1", pid: 1 };
    await db
      .insertInto("deployments")
      .values({ module: acme.module, version, owner: null, last_error: null, ...address })
      .execute();
    expect(await subscribe().next()).toMatchObject({
      endpoints: [
        {
          module: "notes",
          version,
          urls: ["http://127.0.0.1:1"],
          healthPath: "/healthz",
          contextKey: "key of notes@1.0.0",
        },
      ],
    });
    const { next } = subscribe(await head(), "feed-1");
    const name = { kind: "endpoints" as const, module: acme.module, version };
    await publish(
      { ...name, urls: ["http://127.0.0.1:2"], healthPath: "/up" },
      { ...name, urls: null, healthPath: null },
    );
    expect(await next()).toMatchObject({
      changes: [
        {
          ...name,
          endpoints: {
            module: "notes",
            version,
            urls: ["http://127.0.0.1:2"],
            healthPath: "/up",
            contextKey: "key of notes@1.0.0",
          },
        },
        { ...name, endpoints: null },
      ],
    });
    const { rows } = await control.database.pool.query("select changes::text from route_changes");
    expect(JSON.stringify(rows)).not.toContain("key of");
  });

  test("are left out while the version is not healthy", async () => {
    await control.database.db.updateTable("deployments").set({ state: "failed" }).execute();
    expect(await subscribe().next()).toMatchObject({ endpoints: [] });
  });
});
