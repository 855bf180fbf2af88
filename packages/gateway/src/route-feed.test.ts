import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { type RouteChange, verifyTenantContext } from "@aibos/contract";
import { CONTROL_TOKEN, startFakeControlPlane } from "./testing/fake-control-plane.ts";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { EMPTY_SNAPSHOT, endpointsOf, gatewayOf, gatewayWith, KEY, routeOf } from "./testing/started-gateway.ts";

const statusOf = async (url: string, tenant = "acme"): Promise<number> =>
  (await fetch(`${url}/t/${tenant}/notes`)).status;

/** Changes that look right to the schema of the feed, and can't be used. */
const unusable: [string, RouteChange][] = [
  ["weights that do not add up", routeOf({ tenant: "globex", weights: { "1.0.0": 9_999 } })],
  ["a version that is none", routeOf({ tenant: "globex", weights: { latest: 10_000 } })],
  ["a tenant that is none", routeOf({ tenant: "Globex Inc/x" })],
  ["an address that is no HTTP", endpointsOf(["ftp://127.0.0.1/"])],
  ["an address without a host", endpointsOf(["mailto:someone@example.com"])],
];

describe("the route feed", () => {
  test("is asked for with the gateway's name and token, and from nothing at first", async () => {
    const { control } = await gatewayWith([routeOf()]);
    expect(control.feedRequests).toEqual([
      { gateway: "g1", feed: null, since: "0", authorization: `Bearer ${CONTROL_TOKEN}` },
    ]);
  });

  test("brings a snapshot, then changes of routes and processes one by one", async () => {
    const [first, second] = [await startFakeUpstream(), await startFakeUpstream()];
    const { control, gateway } = await gatewayWith([endpointsOf([first.url]), routeOf()]);
    expect(await statusOf(gateway.url)).toBe(200);
    expect(await statusOf(gateway.url, "globex")).toBe(404);
    await control.change(routeOf({ tenant: "globex" }), endpointsOf([second.url]));
    expect(await statusOf(gateway.url, "globex")).toBe(200);
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
    await control.change({ kind: "endpoints", module: "notes", version: "1.0.0", endpoints: null });
    expect(await statusOf(gateway.url)).toBe(503);
    expect(control.feedRequests).toHaveLength(1);
    expect(gateway.state()).toMatchObject({ revision: 4, routes: 2, controlPlane: "connected" });
  });

  test("may come in any pieces, and with blank lines between", async () => {
    const upstream = await startFakeUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url])]);
    const delta = { type: "delta", revision: 3, changes: [routeOf({ role: "grün" })] };
    const line = Buffer.from(`${JSON.stringify(delta)}\n`);
    control.send("\n  \n");
    // The cut goes through a letter. What was asked of the gateway in between came after the first piece.
    const middle = line.indexOf(0xc3) + 1;
    control.send(line.subarray(0, middle));
    for (let index = 0; index < 5; index += 1) expect(await statusOf(gateway.url)).toBe(404);
    control.send(line.subarray(middle));
    await control.report(({ appliedRevision }) => appliedRevision === 3);
    expect(await statusOf(gateway.url)).toBe(200);
    const context = String(upstream.requests[0]?.headers["x-aibos-context"]);
    expect(verifyTenantContext(context, KEY, Date.now() / 1000)).toMatchObject({ context: { role: "grün" } });
    expect(control.feedRequests).toHaveLength(1);
  });

  test("with a missing revision is asked for anew, from nothing", async () => {
    const { control, gateway } = await gatewayWith([]);
    control.changeSilently(routeOf({ tenant: "missed" }));
    control.changeSilently(routeOf());
    control.send({ type: "delta", revision: 3, changes: [routeOf()] });
    expect(await control.feedRequest(2)).toMatchObject({ feed: null, since: "0" });
    await control.report(({ appliedRevision }) => appliedRevision === 3);
    expect(gateway.state().routes).toBe(2);
  });

  test("whose heartbeat tells of a newer revision than came is asked for anew", async () => {
    const { control } = await gatewayWith([]);
    control.changeSilently(routeOf());
    control.send({ type: "heartbeat", revision: 2 });
    expect(await control.feedRequest(2)).toMatchObject({ feed: null, since: "0" });
    await control.report(({ appliedRevision }) => appliedRevision === 2);
  });

  test("that repeats a revision changes nothing with it", async () => {
    const { control, gateway } = await gatewayWith([routeOf()]);
    control.send({ type: "delta", revision: 2, changes: [routeOf({ tenant: "globex" })] });
    await control.change(routeOf({ tenant: "initech" }));
    expect(gateway.state().routes).toBe(2);
    expect(await statusOf(gateway.url, "globex")).toBe(404);
    expect(control.feedRequests).toHaveLength(1);
  });

  test("of another database replaces everything, at whatever revision", async () => {
    const { control, gateway } = await gatewayWith([routeOf()]);
    control.beginFeed("feed-2");
    control.send({ ...EMPTY_SNAPSHOT, feed: "feed-2", revision: 1 });
    await control.report(({ appliedRevision }) => appliedRevision === 1);
    expect(await statusOf(gateway.url)).toBe(404);
    control.drop();
    expect(await control.feedRequest(2)).toMatchObject({ feed: "feed-2", since: "1" });
  });
});

describe("a lost control plane", () => {
  test("is asked again from the last revision, and requests go on meanwhile", async () => {
    const upstream = await startFakeUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    control.greets = false;
    control.drop();
    expect(await control.feedRequest(2)).toMatchObject({ feed: "feed-1", since: "2" });
    await vi.waitFor(() => expect(gateway.state().controlPlane).toBe("away"), { timeout: 20_000 });
    expect(await statusOf(gateway.url)).toBe(200);
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200);
    await control.change(routeOf({ tenant: "globex" }));
    expect(await statusOf(gateway.url, "globex")).toBe(200);
    expect(gateway.state().controlPlane).toBe("connected");
  });

  test.each([401, 403, 500, 503])("that answers with %i is asked again, and the routes stay", async (status) => {
    const { control, gateway } = await gatewayWith([routeOf()]);
    control.status = status;
    control.drop();
    await control.feedRequest(3);
    expect(gateway.state()).toMatchObject({ controlPlane: "away", routes: 1 });
    control.status = 200;
    control.changeSilently(routeOf({ tenant: "globex" }));
    await control.report(({ appliedRevision }) => appliedRevision === 3);
    expect(gateway.state()).toMatchObject({ controlPlane: "connected", routes: 2 });
    for (const { feed, since } of control.feedRequests.slice(1))
      expect({ feed, since }).toEqual({ feed: "feed-1", since: "2" });
  });

  test("that falls silent counts as lost", async () => {
    const { control } = await gatewayWith([routeOf()], { feedSilenceTimeout: 50 });
    expect(await control.feedRequest(2)).toMatchObject({ feed: "feed-1", since: "2" });
    await control.change(routeOf({ tenant: "globex" }));
  });

  test("that says something now and then is not lost, though it has nothing new", async () => {
    const { control } = await gatewayWith([], { feedSilenceTimeout: 1_000 });
    for (let index = 0; index < 12; index += 1) {
      await sleep(100);
      control.send(index % 2 === 0 ? { type: "heartbeat", revision: 1 } : "\n");
    }
    expect(control.feedRequests).toHaveLength(1);
  });

  test("that takes the connection and never answers counts as lost, too", async () => {
    const control = await startFakeControlPlane(routeOf());
    control.hangs = true;
    const gateway = await gatewayOf(control, { feedSilenceTimeout: 50 });
    await control.feedRequest(2);
    expect(gateway.state()).toMatchObject({ revision: null, controlPlane: "away" });
    control.hangs = false;
    expect(await control.report(() => true)).toMatchObject({ appliedRevision: 2 });
  });
});

describe("a feed that makes no sense", () => {
  test.each([
    ["no JSON", "<html>"],
    ["half a message", '{"type":"delta","revision":3'],
    ["another kind of message", '{"type":"party"}'],
    ["a field too many", '{"type":"heartbeat","revision":2,"x":1}'],
    ["a list", "[]"],
    ["null", "null"],
  ])("(%s) is asked for anew, from nothing, and the routes stay", async (_case, line) => {
    const { control, gateway } = await gatewayWith([routeOf()]);
    control.send(`${line}\n`);
    expect(await control.feedRequest(2)).toMatchObject({ feed: null, since: "0" });
    expect(gateway.state()).toMatchObject({ revision: 2, routes: 1 });
    await control.change(routeOf({ tenant: "globex" }));
    expect(gateway.state().routes).toBe(2);
  });

  test.each(unusable)(
    "(a delta with %s) changes nothing, and is not asked for again from the same place",
    async (_case, change) => {
      const { control, gateway } = await gatewayWith([endpointsOf([]), routeOf()]);
      control.send({ type: "delta", revision: 3, changes: [routeOf({ tenant: "first" }), change] });
      expect(await control.feedRequest(2)).toMatchObject({ feed: null, since: "0" });
      expect(gateway.state()).toMatchObject({ revision: 2, routes: 1 });
      expect(await statusOf(gateway.url)).toBe(503);
      expect(await statusOf(gateway.url, "first")).toBe(404);
      await control.change(routeOf({ tenant: "initech" }));
      expect(gateway.state()).toMatchObject({ revision: 3, routes: 2 });
    },
  );

  test.each(unusable)("(a snapshot with %s) keeps the routes from before", async (_case, change) => {
    const upstream = await startFakeUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
    control.send({
      ...EMPTY_SNAPSHOT,
      revision: 9,
      routes: change.kind === "route" && change.route !== null ? [change.route] : [],
      endpoints: change.kind === "endpoints" && change.endpoints !== null ? [change.endpoints] : [],
    });
    await control.feedRequest(2);
    expect(gateway.state()).toMatchObject({ revision: 2, routes: 1 });
    expect(await statusOf(gateway.url)).toBe(200);
    await control.change(routeOf({ tenant: "globex" }));
    expect(gateway.state()).toMatchObject({ revision: 3, routes: 2 });
  });
});
