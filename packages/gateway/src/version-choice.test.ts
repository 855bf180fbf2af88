import { describe, expect, test } from "vitest";
import { type FeedPolicy, signTesterToken } from "@aibos/contract";
import { TESTER_KEY } from "./testing/fake-control-plane.ts";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { endpointsOf, gatewayWith, policyOf, routeOf } from "./testing/started-gateway.ts";
import type { GatewaySettings } from "./gateway-options.ts";

const HOUR = 3_600_000;

/** Acme's notes: 1.0.0 has all weight, 2.0.0 and 3.0.0 serve without any. Tells which version answers a request. */
async function routeWith(
  part: Partial<FeedPolicy>,
  {
    weights = { "3.0.0": 0, "2.0.0": 0, "1.0.0": 10_000 },
    ...settings
  }: {
    weights?: Record<string, number>;
  } & Partial<GatewaySettings> = {},
) {
  const upstream = await startFakeUpstream();
  const versions = Object.keys(weights).map((version) => endpointsOf([upstream.url], version));
  const changes = [...versions, routeOf({ weights, policy: policyOf(part) })];
  const { control, gateway } = await gatewayWith(changes, settings);
  const answerTo = (headers: Record<string, string> = {}, path = "") =>
    fetch(`${gateway.url}/t/acme/notes${path}`, { headers });
  const versionFor = async (...request: Parameters<typeof answerTo>): Promise<string | null> =>
    (await answerTo(...request)).headers.get("x-aibos-version");
  return { upstream, control, gateway, answerTo, versionFor };
}

describe("match rules", () => {
  test("come before weights, in their order, and a version that does not serve is passed over", async () => {
    const { versionFor } = await routeWith({
      segments: { staff: [{ kind: "users", users: ["grün"] }] },
      rules: [
        { when: [{ kind: "header", name: "x-canary" }], version: "9.0.0" },
        { when: [{ kind: "header", name: "x-canary", value: "yes" }], version: "3.0.0" },
        { when: [{ kind: "path", prefix: "/reports" }], version: "2.0.0" },
        { when: [{ kind: "cookie", name: "beta", value: "1" }], version: "2.0.0" },
        { when: [{ kind: "segment", segment: "staff" }], version: "3.0.0" },
      ],
    });
    expect(await versionFor()).toBe("1.0.0");
    expect(await versionFor({ "x-canary": "yes" }, "/reports")).toBe("3.0.0");
    expect(await versionFor({ "x-canary": "no" }, "/reports/1?q")).toBe("2.0.0");
    expect(await versionFor({ cookie: "a=b; beta=1" })).toBe("2.0.0");
    expect(await versionFor({ cookie: "xbeta=1; beta=10" })).toBe("1.0.0");
    expect(await versionFor({ "x-user-id": Buffer.from("grün").toString("latin1") })).toBe("3.0.0");
  });

  test("of a percentage give the version to that share of users, and always to the same", async () => {
    const rules: FeedPolicy["rules"] = [{ when: [{ kind: "percent", percent: 30 }], version: "2.0.0" }];
    const { versionFor } = await routeWith({ rules });
    const ask = () => Promise.all(Array.from({ length: 200 }, (_, n) => versionFor({ "x-user-id": `user-${n}` })));
    const first = await ask();
    const share = first.filter((version) => version === "2.0.0").length / first.length;
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.45);
    expect(await ask()).toEqual(first);
  });
});

describe("a tester's token", () => {
  const claims = { tenant: "acme", module: "notes", version: "2.0.0", expires: Math.floor(Date.now() / 1_000) + 60 };
  const rules: FeedPolicy["rules"] = [{ when: [{ kind: "path", prefix: "/" }], version: "3.0.0" }];

  test("takes its holder to its version past rules and weights, by header or cookie", async () => {
    const { versionFor, upstream } = await routeWith({ rules });
    const token = signTesterToken(claims, TESTER_KEY);
    expect(await versionFor()).toBe("3.0.0");
    expect(await versionFor({ "x-aibos-tester": token })).toBe("2.0.0");
    expect(await versionFor({ cookie: `aibos_tester=${token}` })).toBe("2.0.0");
    expect(upstream.requests[1]?.headers["x-aibos-tester"]).toBeUndefined();
  });

  test.each([
    ["of another tenant", { ...claims, tenant: "globex" }, TESTER_KEY],
    ["of another module", { ...claims, module: "crm" }, TESTER_KEY],
    ["for a version that does not serve", { ...claims, version: "9.0.0" }, TESTER_KEY],
    ["that has expired", { ...claims, expires: 1 }, TESTER_KEY],
    ["that another key signed", claims, "another key"],
  ])("%s changes nothing", async (_, other, key) => {
    const { versionFor } = await routeWith({ rules });
    expect(await versionFor({ "x-aibos-tester": signTesterToken(other, key) })).toBe("3.0.0");
  });
});

describe("users of a version that lost its weight", () => {
  const since = Date.now();
  const leaving = { weights: [{ version: "2.0.0", weight: 10_000 }], since, until: since + HOUR };
  const setCookie = async (answer: Promise<Response>): Promise<string> =>
    (await answer).headers.get("set-cookie")?.split(";")[0] ?? "";

  test("keep it until the time is over, when that was asked for", async () => {
    const clock = { now: since + 1 };
    const { versionFor } = await routeWith({ leaving }, { now: () => clock.now });
    expect(await versionFor({ "x-user-id": "ada" })).toBe("2.0.0");
    clock.now = since + HOUR;
    expect(await versionFor({ "x-user-id": "ada" })).toBe("1.0.0");
  });

  test("keep it for as long as it serves, when no time was given", async () => {
    const { versionFor, control } = await routeWith({ leaving: { ...leaving, until: null } });
    expect(await versionFor({ "x-user-id": "ada" })).toBe("2.0.0");
    await control.change(routeOf({ policy: policyOf({ leaving: { ...leaving, until: null } }) }));
    expect(await versionFor({ "x-user-id": "ada" })).toBe("1.0.0");
  });

  test("are those who had the gateway's cookie before; who comes later goes by the new weights and stays there", async () => {
    const clock = { now: since - 1 };
    const { answerTo, versionFor } = await routeWith({ leaving }, { now: () => clock.now });
    const before = await setCookie(answerTo());
    clock.now = since + 1;
    const after = await setCookie(answerTo());
    expect(await versionFor({ cookie: before })).toBe("2.0.0");
    expect(await versionFor({ cookie: after })).toBe("1.0.0");
    expect(await versionFor()).toBe("1.0.0");
  });

  test("move at once otherwise", async () => {
    const { versionFor, control } = await routeWith({}, { weights: { "2.0.0": 10_000, "1.0.0": 0 } });
    expect(await versionFor({ "x-user-id": "ada" })).toBe("2.0.0");
    await control.change(routeOf({ weights: { "2.0.0": 0, "1.0.0": 10_000 } }));
    expect(await versionFor({ "x-user-id": "ada" })).toBe("1.0.0");
  });
});
