import type { ServerResponse } from "node:http";
import { describe, expect, test, vi } from "vitest";
import { type FakeUpstream, startFakeUpstream } from "./testing/fake-upstream.ts";
import { openRawConnection } from "./testing/raw-connection.ts";
import { endpointsOf, gatewayOf, gatewayWith, routeOf, temporaryFolder } from "./testing/started-gateway.ts";
import { startFakeControlPlane } from "./testing/fake-control-plane.ts";

/** A process that keeps its requests; `arrived` gives the answers to make, in the order of the requests. */
async function startSlowUpstream(): Promise<FakeUpstream & { arrived(): Promise<ServerResponse> }> {
  const responses: ServerResponse[] = [];
  const takers: ((response: ServerResponse) => void)[] = [];
  const upstream = await startFakeUpstream((_request, response) => {
    const taker = takers.shift();
    if (taker === undefined) responses.push(response);
    else taker(response);
  });
  const arrived = (): Promise<ServerResponse> => {
    const response = responses.shift();
    return response === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(response);
  };
  return { ...upstream, arrived };
}

/** No report comes by the clock: what is seen was reported at once. */
const atOnce = { reportInterval: 2_000_000 };

describe("reports", () => {
  test("name the gateway, where it listens, and the revision that it applied", async () => {
    const { control, gateway } = await gatewayWith([routeOf()], atOnce);
    expect(control.reports[0]).toMatchObject({
      mirrors: [],
      gatewayId: "g1",
      url: gateway.url,
      appliedRevision: 2,
      draining: [],
    });
    expect((await control.change(routeOf())).appliedRevision).toBe(3);
  });

  test("come again and again, though nothing changes", async () => {
    const { control } = await gatewayWith([routeOf()], { reportInterval: 5 });
    const before = control.reports.length;
    let seen = 0;
    const later = await control.report(() => (seen += 1) > before + 3);
    expect(later).toEqual(control.reports[0]);
  });

  test("of what changed while one was on its way follow right after it, as one", async () => {
    const { control, gateway } = await gatewayWith([routeOf()], atOnce);
    const { promise, resolve } = Promise.withResolvers<void>();
    control.mayAnswerReports = promise;
    await control.change(routeOf({ role: "r3" }));
    const last = [control.change(routeOf({ role: "r4" })), control.change(routeOf({ role: "r5" }))];
    await vi.waitFor(() => expect(gateway.state().revision).toBe(5), { timeout: 20_000, interval: 5 });
    resolve();
    expect((await Promise.all(last)).map(({ appliedRevision }) => appliedRevision)).toEqual([5, 5]);
  });

  test("name a route until the requests from before its change ended, and are made at once then", async () => {
    const upstream = await startSlowUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], atOnce);
    const first = fetch(`${gateway.url}/t/acme/notes/1`);
    const answerFirst = await upstream.arrived();
    const second = fetch(`${gateway.url}/t/acme/notes/2`);
    const answerSecond = await upstream.arrived();
    const changed = await control.change(routeOf({ role: "r_new" }));
    expect(changed.draining).toEqual([{ tenant: "acme", module: "notes", requests: 2 }]);
    const third = fetch(`${gateway.url}/t/acme/notes/3`);
    const answerThird = await upstream.arrived();
    answerFirst.end();
    await (await first).text();
    expect(control.reports.filter((report) => report.draining.length === 0 && report.appliedRevision > 3)).toEqual([]);
    answerSecond.end();
    await (await second).text();
    // The third is under way still: it began after the change, and does not count.
    await control.report(
      (report) => report.appliedRevision === changed.appliedRevision && report.draining.length === 0,
    );
    answerThird.end();
    expect((await third).status).toBe(200);
  });

  test("do not name a route for changes of other routes or of processes", async () => {
    const upstream = await startSlowUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], atOnce);
    const request = fetch(`${gateway.url}/t/acme/notes`);
    const answer = await upstream.arrived();
    const report = await control.change(
      routeOf({ tenant: "globex" }),
      endpointsOf([upstream.url, "http://127.0.0.1:1"]),
    );
    expect(report.draining).toEqual([]);
    answer.end("peace");
    expect(await (await request).text()).toBe("peace");
  });

  test("name a route that is gone, and requests whose processes are", async () => {
    const upstream = await startSlowUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], atOnce);
    const request = fetch(`${gateway.url}/t/acme/notes`);
    const answer = await upstream.arrived();
    const { draining, appliedRevision } = await control.change(
      { kind: "route", tenant: "acme", module: "notes", route: null },
      { kind: "endpoints", module: "notes", version: "1.0.0", endpoints: null },
    );
    expect(draining).toEqual([{ tenant: "acme", module: "notes", requests: 1 }]);
    answer.end("whole");
    expect(await (await request).text()).toBe("whole");
    await control.report((report) => report.appliedRevision === appliedRevision && report.draining.length === 0);
  });

  test.each([
    ["the client leaves", (client: () => void) => client()],
    ["the process dies", (_client: () => void, answer: ServerResponse) => void answer.destroy()],
    [
      "the answer breaks off",
      (_client: () => void, answer: ServerResponse) => answer.write("x", () => answer.destroy()),
    ],
  ])("do not name a route for ever when %s", async (_case, end) => {
    const upstream = await startSlowUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], atOnce);
    const raw = await openRawConnection(gateway.url);
    raw.write("POST /t/acme/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    const answer = await upstream.arrived();
    const { draining, appliedRevision } = await control.change(routeOf({ role: "r_new" }));
    expect(draining).toHaveLength(1);
    end(() => raw.socket.destroy(), answer);
    await control.report((report) => report.appliedRevision === appliedRevision && report.draining.length === 0);
  });

  test("name every route with older requests after a snapshot of another revision", async () => {
    const upstream = await startSlowUpstream();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], atOnce);
    const request = fetch(`${gateway.url}/t/acme/notes`);
    const answer = await upstream.arrived();
    control.changeSilently(routeOf({ tenant: "globex" }));
    control.drop();
    const report = await control.report(({ appliedRevision }) => appliedRevision === 3);
    expect(report.draining).toEqual([{ tenant: "acme", module: "notes", requests: 1 }]);
    answer.end();
    await (await request).text();
  });

  test("are not made for kept routes before the control plane has gone on with them", async () => {
    const upstream = await startFakeUpstream();
    const first = await gatewayWith([endpointsOf([upstream.url]), routeOf()], atOnce);
    const folder = await temporaryFolder();
    const kept = await gatewayOf(first.control, { ...atOnce, folder });
    await first.control.report((report) => report.url === kept.url);
    await kept.stop();
    const control = await startFakeControlPlane();
    control.greets = false;
    const gateway = await gatewayOf(control, { reportInterval: 1, folder });
    await control.feedRequest(1);
    // Long enough for many reports.
    for (let index = 0; index < 50; index += 1) {
      expect((await fetch(`${gateway.url}/t/acme/notes`)).status).toBe(200);
    }
    expect(control.reports).toEqual([]);
    control.send({ type: "heartbeat", revision: 2 });
    expect(await control.report(() => true)).toMatchObject({ appliedRevision: 2 });
  });
});
