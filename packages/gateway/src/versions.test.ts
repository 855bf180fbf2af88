import { describe, expect, test } from "vitest";
import { type FakeUpstream, startFakeUpstream } from "./testing/fake-upstream.ts";
import { endpointsOf, gatewayWith, routeOf } from "./testing/started-gateway.ts";

/** Processes of two versions, each of which answers with its version. */
async function startVersions(): Promise<{ upstreams: FakeUpstream[]; endpoints: ReturnType<typeof endpointsOf>[] }> {
  const versions = ["1.0.0", "1.5.0"];
  const upstreams = await Promise.all(
    versions.map((version) => startFakeUpstream((_request, response) => response.end(version))),
  );
  return { upstreams, endpoints: upstreams.map(({ url }, index) => endpointsOf([url], versions[index])) };
}

const halves = { "1.0.0": 5_000, "1.5.0": 5_000 };

describe("a user", () => {
  test("named by the header keeps one version, and gets no cookie", async () => {
    const { endpoints } = await startVersions();
    const { gateway } = await gatewayWith([...endpoints, routeOf({ weights: halves })]);
    const versions = new Set<string>();
    for (let user = 0; user < 12; user += 1) {
      const answers = [0, 1, 2].map(async () => {
        const response = await fetch(`${gateway.url}/t/acme/notes`, { headers: { "x-user-id": `user-${user}` } });
        expect(response.headers.get("set-cookie")).toBeNull();
        const version = await response.text();
        expect(response.headers.get("x-aibos-version")).toBe(version);
        return version;
      });
      const seen = new Set(await Promise.all(answers));
      expect(seen.size).toBe(1);
      for (const version of seen) versions.add(version);
    }
    expect(versions).toEqual(new Set(["1.0.0", "1.5.0"]));
  });

  test("named by another header of the operator's choice is known by that one", async () => {
    const { endpoints } = await startVersions();
    const { gateway } = await gatewayWith([...endpoints, routeOf({ weights: halves })], { stickyHeader: "x-account" });
    const byOwn = await fetch(`${gateway.url}/t/acme/notes`, { headers: { "x-account": "a" } });
    expect(byOwn.headers.get("set-cookie")).toBeNull();
    const byOther = await fetch(`${gateway.url}/t/acme/notes`, { headers: { "x-user-id": "a" } });
    expect(byOther.headers.get("set-cookie")).not.toBeNull();
  });

  test("without a name gets a cookie, and keeps the version with it", async () => {
    const { endpoints } = await startVersions();
    const { gateway } = await gatewayWith([...endpoints, routeOf({ weights: halves })]);
    const versions = new Set<string>();
    for (let user = 0; user < 12; user += 1) {
      const first = await fetch(`${gateway.url}/t/acme/notes`);
      const cookie = first.headers.get("set-cookie") ?? "";
      expect(cookie).toMatch(/^aibos_user=[a-z\d]{8}-[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/);
      const version = await first.text();
      versions.add(version);
      const [pair] = cookie.split(";");
      for (const header of [`${pair}`, `a=1; ${pair}; b=2`]) {
        const again = await fetch(`${gateway.url}/t/acme/notes`, { headers: { cookie: header } });
        expect(again.headers.get("set-cookie")).toBeNull();
        expect(await again.text()).toBe(version);
      }
    }
    expect(versions).toEqual(new Set(["1.0.0", "1.5.0"]));
  });

  test.each([
    "aibos_user=short",
    "aibos_user=has space in it",
    "aibos_user",
    "aibos_user=",
    `aibos_user=${"a".repeat(65)}`,
  ])("with the cookie %j, which no gateway made, gets a new one", async (cookie) => {
    const { endpoints } = await startVersions();
    const { gateway } = await gatewayWith([...endpoints, routeOf({ weights: halves })]);
    const response = await fetch(`${gateway.url}/t/acme/notes`, { headers: { cookie } });
    expect(response.headers.get("set-cookie")).toMatch(/^aibos_user=/);
  });

  test("gets no cookie while one version serves, and the module's own cookies stay", async () => {
    const upstream = await startFakeUpstream((_request, response) => {
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.end();
    });
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    const cookies = async () => (await fetch(`${gateway.url}/t/acme/notes`)).headers.getSetCookie();
    expect(await cookies()).toEqual(["a=1", "b=2"]);
    // Also when one of two has everybody: who was there must be known when that one loses them.
    await control.change(routeOf({ weights: { "1.0.0": 10_000, "1.5.0": 0 } }));
    expect(await cookies()).toEqual(["a=1", "b=2", expect.stringMatching(/^aibos_user=/)]);
  });
});

describe("weights", () => {
  async function shareOf(url: string, users: number): Promise<number> {
    const answers = Array.from({ length: users }, async (_, user) => {
      const response = await fetch(`${url}/t/acme/notes`, { headers: { "x-user-id": `user-${user}` } });
      return response.text();
    });
    return (await Promise.all(answers)).filter((version) => version === "1.5.0").length / users;
  }

  test("of 80 and 20 give about a fifth of the users the new version", async () => {
    const { endpoints } = await startVersions();
    const { gateway } = await gatewayWith([...endpoints, routeOf({ weights: { "1.0.0": 8_000, "1.5.0": 2_000 } })]);
    const share = await shareOf(gateway.url, 500);
    // Five standard deviations of the mean; the users' names, and so the outcome, are always the same.
    expect(share).toBeGreaterThan(0.11);
    expect(share).toBeLessThan(0.29);
  });

  test("that grow take nobody back to the old version", async () => {
    const { endpoints } = await startVersions();
    const { control, gateway } = await gatewayWith([...endpoints, routeOf()]);
    const seen = async (): Promise<Set<number>> => {
      const users = new Set<number>();
      for (let user = 0; user < 60; user += 1) {
        const response = await fetch(`${gateway.url}/t/acme/notes`, { headers: { "x-user-id": `user-${user}` } });
        if ((await response.text()) === "1.5.0") users.add(user);
      }
      return users;
    };
    let before = await seen();
    for (const weight of [2_000, 5_000, 9_000]) {
      await control.change(routeOf({ weights: { "1.0.0": 10_000 - weight, "1.5.0": weight } }));
      const now = await seen();
      for (const user of before) expect(now).toContain(user);
      expect(now.size).toBeGreaterThan(before.size);
      before = now;
    }
  });

  test("of 0 move everybody at once, also those who saw the version before", async () => {
    const { upstreams, endpoints } = await startVersions();
    const { control, gateway } = await gatewayWith([...endpoints, routeOf({ weights: halves })]);
    expect(await shareOf(gateway.url, 40)).toBeGreaterThan(0);
    await control.change(routeOf({ weights: { "1.0.0": 10_000, "1.5.0": 0 } }));
    const before = upstreams[1]?.requests.length;
    expect(await shareOf(gateway.url, 40)).toBe(0);
    expect(upstreams[1]?.requests.length).toBe(before);
  });
});

describe("processes of one version", () => {
  test("take turns, and a process that is gone is passed over", async () => {
    const upstreams = await Promise.all(
      [0, 1, 2].map((index) => startFakeUpstream((_request, response) => response.end(String(index)))),
    );
    const { gateway } = await gatewayWith([endpointsOf(upstreams.map(({ url }) => url)), routeOf()]);
    const ask = async (): Promise<string> => (await fetch(`${gateway.url}/t/acme/notes`, { method: "POST" })).text();
    const turns = [await ask(), await ask(), await ask(), await ask(), await ask(), await ask()];
    expect(turns).toEqual(["0", "1", "2", "0", "1", "2"]);
    await upstreams[1]?.stop();
    for (let index = 0; index < 6; index += 1) expect(["0", "2"]).toContain(await ask());
  });

  test("that moved are found again with the next revision", async () => {
    const [first, second] = [await startFakeUpstream(), await startFakeUpstream()];
    const { control, gateway } = await gatewayWith([endpointsOf([first.url]), routeOf()]);
    expect((await fetch(`${gateway.url}/t/acme/notes`)).status).toBe(200);
    await control.change(endpointsOf([second.url]));
    await first.stop();
    expect((await fetch(`${gateway.url}/t/acme/notes`)).status).toBe(200);
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
  });

  test.each([
    ["the version has none", [endpointsOf([])]],
    ["nothing was said of the version", []],
  ])("when %s: 503, with when to come again", async (_case, changes) => {
    const { gateway } = await gatewayWith([...changes, routeOf()]);
    const response = await fetch(`${gateway.url}/t/acme/notes`, { method: "POST", body: "x" });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toMatchObject({ code: "AIBOS_GATEWAY_NO_UPSTREAM", status: 503 });
  });
});
