import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import { verifyTenantContext } from "@aibos/contract";
import { startFakeUpstream, type UpstreamListener } from "./testing/fake-upstream.ts";
import { endpointsOf, gatewayWith, KEY, policyOf, routeOf } from "./testing/started-gateway.ts";

const weights = { "2.0.0": 0, "1.0.0": 10_000 };
const policy = (weight = 10_000, since = 1) => policyOf({ mirror: { version: "2.0.0", weight, since } });

/** 1.0.0 answers users, 2.0.0 gets copies. */
async function mirrored(user: UpstreamListener, copy: UpstreamListener, random = () => 0) {
  const first = await startFakeUpstream(user);
  const second = await startFakeUpstream(copy);
  const changes = [
    endpointsOf([first.url]),
    endpointsOf([second.url], "2.0.0"),
    routeOf({ weights, policy: policy() }),
  ];
  const { control, gateway } = await gatewayWith(changes, { random, reportInterval: 20 });
  /** The counts, once so many copies are settled. */
  async function counts(settled: number) {
    const wanted = await control.report(
      ({ mirrors: [mirror] }) => mirror !== undefined && mirror.compared + mirror.failed + mirror.skipped >= settled,
    );
    return wanted.mirrors[0];
  }
  return { first, second, control, gateway, url: `${gateway.url}/t/acme/notes`, counts };
}

const say =
  (text: string, status = 200): UpstreamListener =>
  (_request, response) => {
    response.statusCode = status;
    response.end(text);
  };

describe("a mirror", () => {
  test("copies safe requests to its version, signed for it, and users see their own answers alone", async () => {
    const { url, first, second, counts } = await mirrored(say("for the user"), say("for nobody"));
    const answer = await fetch(`${url}/a?b=c`, { headers: { accept: "text/plain" } });
    expect([answer.status, await answer.text()]).toEqual([200, "for the user"]);
    expect(answer.headers.get("x-aibos-version")).toBe("1.0.0");
    expect(await counts(1)).toMatchObject({
      tenant: "acme",
      module: "notes",
      since: 1,
      compared: 1,
      statusDiffers: 0,
      sizeDiffers: 1,
      failed: 0,
    });
    const [copy] = second.requests;
    expect(copy?.url).toBe("/a?b=c");
    expect(copy?.headers).toMatchObject({ accept: "text/plain", "x-aibos-mirror": "1" });
    const context = verifyTenantContext(String(copy?.headers["x-aibos-context"]), KEY, Date.now() / 1_000);
    expect(context).toMatchObject({ context: { version: "2.0.0", tenant: "acme" } });
    expect(first.requests[0]?.headers["x-aibos-mirror"]).toBeUndefined();
  });

  test("counts other statuses, equal answers, and copies that were not answered", async () => {
    let number = 0;
    const { url, counts } = await mirrored(say("same"), (request, response) => {
      number += 1;
      if (number === 1) say("same", 500)(request, response);
      else if (number === 2) say("same")(request, response);
      else request.socket.destroy();
    });
    for (let n = 0; n < 3; n += 1) {
      await (await fetch(url)).text();
      await vi.waitFor(() => expect(number).toBe(n + 1), { timeout: 20_000 });
    }
    const counted = await counts(3);
    expect(counted).toMatchObject({ compared: 2, statusDiffers: 1, sizeDiffers: 0, failed: 1 });
    expect(counted?.ms).toBeGreaterThan(0);
    expect(counted?.mirrorMs).toBeGreaterThan(0);
  });

  test("copies nothing that writes or has content, nothing beyond its share, and nothing that its version got anyway", async () => {
    const draws = [0.5, 0.4999];
    const { url, second, control, counts } = await mirrored(say("x"), say("x"), () => draws.shift() ?? 0);
    const alone = { "2.0.0": 10_000, "1.0.0": 0 };
    await control.change(routeOf({ weights, policy: policy(5_000) }));
    draws.splice(0, draws.length, 0.5, 0.4999);
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      await (await fetch(url, { method, ...(method === "OPTIONS" ? {} : { body: "x" }) })).text();
    }
    await (await fetch(url)).text();
    await (await fetch(`${url}/copied`, { method: "HEAD" })).text();
    await counts(1);
    expect(second.requests.map((request) => [request.method, request.url])).toEqual([["HEAD", "/copied"]]);
    await control.change(routeOf({ weights: alone, policy: policy() }));
    await (await fetch(`${url}/own`)).text();
    expect(second.requests).toHaveLength(2);
  });

  test("never makes a user wait for it, and is no reason to fail", async () => {
    const { url, second } = await mirrored(say("quick"), () => undefined);
    expect(await (await fetch(url)).text()).toBe("quick");
    await second.stop();
    expect(await (await fetch(url)).text()).toBe("quick");
  });

  test("does not pile copies up at a version that does not answer", async () => {
    const { url, second, counts } = await mirrored(say("quick"), () => undefined);
    for (let n = 0; n < 70; n += 1) await (await fetch(url)).text();
    expect(await counts(6)).toMatchObject({ skipped: 6, compared: 0 });
    await vi.waitFor(() => expect(second.requests).toHaveLength(64), { timeout: 20_000 });
  });

  test("is waited for like a request when its route changes", async () => {
    const { url, second, control } = await mirrored(say("quick"), () => undefined);
    const [copied] = await Promise.all([once(second.server, "request"), fetch(url)]);
    const report = await control.change(routeOf({ weights, policy: policy() }));
    expect(report.draining).toEqual([{ tenant: "acme", module: "notes", requests: 1 }]);
    (copied[1] as { end(): void }).end();
    await control.report(({ draining, appliedRevision }) => appliedRevision === 3 && draining.length === 0);
  });

  test("counts anew when it is set anew, and no more when it is taken away", async () => {
    const { url, control, counts } = await mirrored(say("x"), say("x"));
    await (await fetch(url)).text();
    await counts(1);
    await control.change(routeOf({ weights, policy: policy(10_000, 2) }));
    await (await fetch(url)).text();
    const next = await control.report(({ mirrors: [mirror] }) => mirror?.since === 2 && mirror.compared > 0);
    expect(next.mirrors).toMatchObject([{ since: 2, compared: 1 }]);
    const { appliedRevision } = await control.change(routeOf({ weights }));
    const after = await control.report((report) => report.appliedRevision === appliedRevision);
    expect(after.mirrors).toEqual([]);
  });
});
