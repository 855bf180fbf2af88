import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { Agent, request } from "undici";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type RouteChange, verifyTenantContext } from "@aibos/contract";
import { slotOf, versionOfSlot } from "@aibos/domain";
import { keepInStep } from "../keep-in-step.ts";
import { endpointsOf, keyOf, routeOf, startRouteFeedServer } from "../testing/route-feed-server.ts";
import { startHaproxy } from "../testing/started-haproxy.ts";
import { type Echo, startUpstream } from "../testing/upstream.ts";
import { HAPROXY_DEFAULTS, haproxyFiles, type HaproxyOptions } from "./haproxy-options.ts";
import { createHaproxyTarget } from "./haproxy-target.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A real HAProxy in step with routes: acme's notes has the processes `one` and `two`, and there is a gateway. */
async function inStep(...changes: RouteChange[]) {
  const folder = await mkdtemp(join(tmpdir(), "aibos-haproxy-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [one, two, gateway] = [await startUpstream("one"), await startUpstream("two"), await startUpstream("gateway")];
  const feed = await startRouteFeedServer(endpointsOf("1.0.0", one.url), endpointsOf("2.0.0", two.url), ...changes);
  const port = await freePort();
  const options: HaproxyOptions = {
    ...HAPROXY_DEFAULTS,
    bind: `127.0.0.1:${port}`,
    folder,
    socket: join(folder, "s"),
    gateways: [new URL(gateway.url).host],
    versions: 4,
    processes: 2,
  };
  const step = keepInStep({
    id: "haproxy-1",
    url: `http://127.0.0.1:${port}`,
    controlUrl: feed.url,
    token: "token",
    target: createHaproxyTarget(options),
    log: pino({ level: "silent" }),
    lookEvery: 100,
  });
  onTestFinished(() => step.stop());
  // HAProxy is started when its files are there, as an operator would.
  await vi.waitFor(() => stat(haproxyFiles(folder).config), { timeout: 20_000 });
  const haproxy = await startHaproxy(options);
  await feed.report(() => true);
  const agent = new Agent({ connections: 16 });
  onTestFinished(() => agent.close());
  async function ask(path: string, headers: Record<string, string> = {}) {
    const answer = await request(`http://127.0.0.1:${port}${path}`, { dispatcher: agent, headers });
    return { status: answer.statusCode, headers: answer.headers, body: (await answer.body.json()) as Echo };
  }
  const notes = (headers: Record<string, string> = {}, path = "") => ask(`/t/acme/notes${path}`, headers);
  return { one, two, gateway, feed, options, haproxy, ask, notes };
}

const SPLIT = { "2.0.0": 2_500, "1.0.0": 7_500 };
/** As a client sends it: the bytes of the UTF-8 text. */
const named = (user: string) => ({ "x-user-id": Buffer.from(user).toString("latin1") });

describe("HAProxy in step", () => {
  test("gives 10,000 users the versions that a gateway gives them, at every step of a rollout", async () => {
    const { notes, feed, haproxy, options } = await inStep(routeOf({ weights: SPLIT }));
    const users = Array.from({ length: 10_000 }, (_, n) => (n % 3 === 0 ? `Grüße ${n} 世界` : `user-${n}`));
    const seen = new Map<string, string>();
    for (const weight of [2_500, 6_000]) {
      const weights = { "2.0.0": weight, "1.0.0": 10_000 - weight };
      const change = routeOf({ weights });
      if (weight !== 2_500) await feed.change(change);
      const [first, ...rest] = change.route.versions;
      if (first === undefined) throw new Error("the route has no version");
      const different: string[] = [];
      for (let at = 0; at < users.length; at += 100) {
        await Promise.all(
          users.slice(at, at + 100).map(async (user) => {
            const { headers } = await notes(named(user));
            const { version } = versionOfSlot([first, ...rest], slotOf("acme/notes", user));
            if (headers["x-aibos-version"] !== version) different.push(user);
            if (seen.get(user) === "2.0.0" && version !== "2.0.0") different.push(`${user} went back`);
            seen.set(user, version);
          }),
        );
      }
      expect(different).toEqual([]);
    }
    expect((await startedAs(options)).pid).toBe(haproxy.pid);
  }, 120_000);

  test("signs the tenant's context with the key of the version, and lets no other name of the platform in", async () => {
    const { notes } = await inStep(routeOf({ weights: SPLIT }));
    for (const user of ["user-1", "user-2", "user-3", "user-4", "user-5", "user-6"]) {
      const { body, headers } = await notes({
        ...named(user),
        "x-aibos-context": "forged",
        X_AIBOS_CONTEXT: "forged",
        "x-aibos-mirror": "1",
        forwarded: "for=forged",
        "x-forwarded-for": "1.2.3.4",
      });
      const version = String(headers["x-aibos-version"]);
      const context = String(body.headers["x-aibos-context"]);
      expect(verifyTenantContext(context, keyOf(version), Date.now() / 1_000)).toMatchObject({
        context: {
          tenant: "acme",
          module: "notes",
          version,
          schema: "t_acme__notes",
          views: `v_acme__notes_${version[0]}`,
          dataVersion: "1.0.0",
          role: "r_acme__notes",
        },
      });
      const other = version === "1.0.0" ? "2.0.0" : "1.0.0";
      expect(verifyTenantContext(context, keyOf(other), 0)).toEqual({ refusal: "wrong-signature" });
      expect(JSON.stringify(body.headers)).not.toContain("forged");
      expect(body.headers).toMatchObject({ "x-forwarded-for": "127.0.0.1", "x-forwarded-prefix": "/t/acme/notes" });
      expect(body.headers["x-aibos-mirror"]).toBeUndefined();
      expect(headers["x-request-id"]).toBe(body.headers["x-request-id"]);
    }
  });

  test("signs anew when the route has changed, whatever it kept", async () => {
    const { notes, feed, options } = await inStep(routeOf());
    const roleOf = async (): Promise<unknown> => {
      const { body } = await notes();
      const seen = verifyTenantContext(String(body.headers["x-aibos-context"]), keyOf("1.0.0"), Date.now() / 1_000);
      return "context" in seen ? seen.context.role : seen.refusal;
    };
    expect([await roleOf(), await roleOf()]).toEqual(["r_acme__notes", "r_acme__notes"]);
    await feed.change(routeOf({ role: "r_other" }));
    expect([await roleOf(), await roleOf()]).toEqual(["r_other", "r_other"]);
    // The same role again is another change.
    const { appliedRevision } = await feed.change(routeOf());
    expect(await roleOf()).toBe("r_acme__notes");
    // One is kept for a version of a route, the newest.
    const { openRuntimeApi } = await import("./runtime-api.ts");
    const kept = await openRuntimeApi(options.socket).run(`show map ${haproxyFiles(options.folder).contexts}`);
    expect(kept.trim().split("\n")).toHaveLength(1);
    expect(kept).toContain(` acme/notes@1.0.0 acme/notes@${appliedRevision}/`);
  });

  test("chooses among many versions as a gateway does, those without users among them", async () => {
    const weights = { "5.0.0": 1_000, "4.0.0": 0, "3.0.0": 3_333, "2.0.0": 1, "1.0.0": 5_666 };
    const urls = await Promise.all(["three", "five"].map(async (name) => (await startUpstream(name)).url));
    const { notes, feed } = await inStep();
    await feed.change(endpointsOf("3.0.0", urls[0] ?? ""), endpointsOf("5.0.0", urls[1] ?? ""), routeOf({ weights }));
    const { versions } = routeOf({ weights }).route;
    const [first, ...rest] = versions;
    if (first === undefined) throw new Error("the route has no version");
    const users = Array.from({ length: 300 }, (_, n) => `user-${n}`);
    const found = await Promise.all(users.map(async (user) => (await notes(named(user))).headers["x-aibos-version"]));
    expect(found).toEqual(users.map((user) => versionOfSlot([first, ...rest], slotOf("acme/notes", user)).version));
    expect(new Set(found).size).toBe(3);
  });

  test("gives the module its own path", async () => {
    const { notes } = await inStep(routeOf());
    for (const [asked, seen] of [
      ["", "/"],
      ["?q=1", "/?q=1"],
      ["/a%2Fb/c?q=/t/x", "/a%2Fb/c?q=/t/x"],
      ["//a", "//a"],
    ] as const) {
      expect((await notes({}, asked)).body.url).toBe(seen);
    }
  });

  test("gives a nameless user a cookie that keeps the version, where there are several", async () => {
    const { notes, feed } = await inStep(routeOf({ weights: SPLIT }));
    const first = await notes();
    const cookie = String(first.headers["set-cookie"]).split(";")[0] ?? "";
    expect(cookie).toMatch(/^aibos_user=h[a-f0-9-]{36}$/);
    for (let n = 0; n < 5; n += 1) {
      const again = await notes({ cookie: `a=b; ${cookie}` });
      expect(again.headers["x-aibos-version"]).toBe(first.headers["x-aibos-version"]);
      expect(again.headers["set-cookie"]).toBeUndefined();
    }
    await feed.change(routeOf());
    expect((await notes()).headers["set-cookie"]).toBeUndefined();
  });

  test("refuses as a gateway does: unknown 404, suspended 403, nobody healthy 503, each as a problem", async () => {
    const { ask, notes, feed } = await inStep(routeOf(), routeOf({ tenant: "globex", state: "suspended" }));
    expect(await ask("/t/nobody/notes")).toMatchObject({ status: 404, body: { code: "AIBOS_GATEWAY_ROUTE_UNKNOWN" } });
    expect(await ask("/x")).toMatchObject({ status: 404 });
    const suspended = await ask("/t/globex/notes");
    expect(suspended).toMatchObject({ status: 403, body: { code: "AIBOS_GATEWAY_TENANT_SUSPENDED" } });
    expect(suspended.headers["content-type"]).toBe("application/problem+json");
    await feed.change(endpointsOf("1.0.0"));
    expect(await notes()).toMatchObject({
      status: 503,
      headers: { "retry-after": "1" },
      body: { code: "AIBOS_GATEWAY_NO_UPSTREAM" },
    });
  });

  test("hands to a gateway what it can't do itself, with the request as it came", async () => {
    const policy = { rules: [], segments: {}, mirror: null, leaving: null };
    const rules = [{ when: [{ kind: "path" as const, prefix: "/" }], version: "2.0.0" }];
    const hold = { migrationId: "mig_1", reason: "a migration", maxWaitMs: 1_000, retryAfterSeconds: 1 };
    const { notes, feed } = await inStep(routeOf());
    expect((await notes({}, "/x")).body.name).toBe("one");
    for (const part of [{ hold }, { policy: { ...policy, rules } }, { role: 'r"quoted' }]) {
      await feed.change(routeOf(part));
      const { body } = await notes({}, "/x");
      expect(body).toMatchObject({ name: "gateway", url: "/t/acme/notes/x" });
      expect(body.headers["x-aibos-context"]).toBeUndefined();
      await feed.change(routeOf());
      expect((await notes({}, "/x")).body.name).toBe("one");
    }
    const tester = await notes({ "x-aibos-tester": "t1.a.b" });
    expect(tester.body).toMatchObject({ name: "gateway", headers: { "x-aibos-tester": "t1.a.b" } });
    expect((await notes({ cookie: "aibos_tester=t1.a.b" })).body.name).toBe("gateway");
    await feed.change(endpointsOf("1.0.0", "http://notes.example.internal:8080"));
    expect((await notes()).body.name).toBe("gateway");
  });

  test("takes new versions and processes that moved without a reload, and goes round several", async () => {
    const { notes, feed, haproxy, options } = await inStep(routeOf());
    const [three, four] = [await startUpstream("three"), await startUpstream("four")];
    await feed.change(endpointsOf("3.0.0", three.url), routeOf({ weights: { "3.0.0": 10_000 } }));
    expect(await notes()).toMatchObject({ headers: { "x-aibos-version": "3.0.0" }, body: { name: "three" } });
    await feed.change(endpointsOf("3.0.0", three.url, four.url));
    const names = new Set<string>();
    await vi.waitFor(
      async () => {
        names.add((await notes()).body.name);
        expect(names).toEqual(new Set(["three", "four"]));
      },
      { timeout: 20_000, interval: 10 },
    );
    await feed.change(endpointsOf("3.0.0", four.url));
    for (let n = 0; n < 4; n += 1) expect((await notes()).body.name).toBe("four");
    expect((await startedAs(options)).pid).toBe(haproxy.pid);
  });

  test("tells which requests from before a change are under way, until they have ended", async () => {
    const { notes, feed, one } = await inStep(routeOf());
    const slow = notes({}, "/slow");
    await one.arrived;
    const report = await feed.change(routeOf({ weights: { "2.0.0": 10_000 } }));
    const draining = [{ tenant: "acme", module: "notes", requests: 1 }];
    expect(report.draining).toEqual(draining);
    expect((await notes()).body.name).toBe("two");
    one.release();
    await feed.report((later) => later.appliedRevision === report.appliedRevision && later.draining.length === 0);
    expect((await slow).body.name).toBe("one");
  });

  test("fails no request while weights change", async () => {
    const { notes, feed } = await inStep(routeOf({ weights: SPLIT }));
    const changes = { go: true };
    const statuses = new Map<number, number>();
    const users = Array.from({ length: 8 }, async (_, n) => {
      while (changes.go) {
        const { status } = await notes(named(`user-${n}`));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    });
    for (let n = 0; n < 50; n += 1) {
      const weight = (n * 317) % 10_000;
      await feed.change(routeOf({ weights: { "2.0.0": weight, "1.0.0": 10_000 - weight } }));
    }
    changes.go = false;
    await Promise.all(users);
    expect([...statuses.keys()]).toEqual([200]);
    expect(statuses.get(200)).toBeGreaterThan(50);
  });

  test("that was killed is given what changed meanwhile when it runs again", async () => {
    const { notes, feed, haproxy, options } = await inStep(routeOf());
    await haproxy.kill();
    const applied = feed.change(routeOf({ weights: { "2.0.0": 10_000 } }));
    await startHaproxy(options);
    await applied;
    expect((await notes()).body.name).toBe("two");
  });

  test("keeps its files to their owner", async () => {
    const { options } = await inStep(routeOf());
    const files = haproxyFiles(options.folder);
    for (const file of Object.values(files)) expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});

async function startedAs({ socket }: HaproxyOptions): Promise<{ pid: number }> {
  const { openRuntimeApi } = await import("./runtime-api.ts");
  const info = await openRuntimeApi(socket).run("show info");
  return { pid: Number(/^Pid: (\d+)$/m.exec(info)?.[1]) };
}
