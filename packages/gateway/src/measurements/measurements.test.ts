import { describe, expect, test } from "vitest";
import type { MeasurementBatch, MeasurementRow } from "@aibos/contract";
import { startFakeControlPlane } from "../testing/fake-control-plane.ts";
import { startFakeUpstream, type UpstreamListener } from "../testing/fake-upstream.ts";
import { openRawConnection } from "../testing/raw-connection.ts";
import { endpointsOf, gatewayOf, gatewayWith, routeOf, temporaryFolder } from "../testing/started-gateway.ts";

const FAST = { flushInterval: 10 };

/** Answers with the status that the path names. */
const byPath: UpstreamListener = (request, response) => {
  request.resume().on("end", () => response.writeHead(Number(request.url?.slice(1)) || 200).end("answer"));
};

function rowsOf(batches: readonly MeasurementBatch[], tenant: string | null): MeasurementRow[] {
  return batches.flatMap(({ rows }) => rows.filter((row) => row.tenant === tenant));
}

function sum(rows: readonly MeasurementRow[], of: (row: MeasurementRow) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

function requestsOf(batches: readonly MeasurementBatch[], tenant: string | null): number {
  return sum(rowsOf(batches, tenant), (row) => row.requests);
}

async function ask(url: string, path: string, init?: RequestInit): Promise<void> {
  await fetch(url + path, init)
    .then((response) => response.text())
    .catch(() => undefined);
}

describe("measurements", () => {
  test("tell for each tenant and version what came of its requests, and for all tenants together", async () => {
    const upstream = await startFakeUpstream(byPath);
    const routes = [endpointsOf([upstream.url]), routeOf(), routeOf({ tenant: "globex" })];
    const { control, gateway } = await gatewayWith(routes, FAST);
    for (const status of [200, 201, 404, 500, 503]) await ask(gateway.url, `/t/acme/notes/${status}`);
    await ask(gateway.url, "/t/globex/notes/x", { method: "POST", body: "12345" });
    await ask(gateway.url, "/t/nobody/notes/x");
    const batches = await control.sentBatches((sent) => requestsOf(sent, null) === 6);
    const acme = rowsOf(batches, "acme");
    expect(sum(acme, (row) => row.requests)).toBe(5);
    expect(sum(acme, (row) => row.errors.client ?? 0)).toBe(1);
    expect(sum(acme, (row) => row.errors.server ?? 0)).toBe(2);
    expect(sum(acme, (row) => sum1(row.latency.counts))).toBe(5);
    expect(sum(acme, (row) => row.bytesSent)).toBe(30);
    const globex = rowsOf(batches, "globex");
    expect(sum(globex, (row) => row.requests)).toBe(1);
    expect(sum(globex, (row) => row.bytesReceived)).toBe(5);
    expect(acme.every(({ module, version, at }) => module === "notes" && version === "1.0.0" && at % 10 === 0)).toBe(
      true,
    );
    expect(rowsOf(batches, "nobody")).toEqual([]);
    const numbers = batches.map(({ number }) => number);
    expect(numbers).toEqual(numbers.map((_number, index) => index + 1));
  });

  test("are kept for guarded rollouts of flags that an answer says it met, which no client sees", async () => {
    const upstream = await startFakeUpstream((request, response) => {
      const side = request.url === "/500" ? "in" : "out";
      response.setHeader("X-Aibos-Flags", `new_ui=${side}, search.v2=${side}, no flag=in, ${"x".repeat(50)}=maybe`);
      byPath(request, response);
    });
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], FAST);
    const answer = await fetch(`${gateway.url}/t/acme/notes/200`);
    expect(await answer.text()).toBe("answer");
    expect(answer.headers.get("x-aibos-flags")).toBeNull();
    for (const path of ["200", "500"]) await ask(gateway.url, `/t/acme/notes/${path}`);
    const batches = await control.sentBatches((sent) => requestsOf(sent, null) === 3);
    const met = rowsOf(batches, "acme").filter((row) => row.met !== undefined);
    const sums = new Map<string, number[]>();
    for (const { met: side, requests, errors } of met) {
      const key = `${side?.flag} ${side?.isIn}`;
      const [all = 0, failed = 0] = sums.get(key) ?? [];
      sums.set(key, [all + requests, failed + (errors.server ?? 0)]);
    }
    expect(Object.fromEntries(sums)).toEqual({
      "new_ui true": [1, 1],
      "new_ui false": [2, 0],
      "search.v2 true": [1, 1],
      "search.v2 false": [2, 0],
    });
    const whole = rowsOf(batches, "acme").filter((row) => row.met === undefined);
    expect(sum(whole, (row) => row.requests)).toBe(3);
  });

  test.each<[string, UpstreamListener, string]>([
    ["breaks off", (request) => void request.socket.destroy(), "broken"],
    ["says nothing in time", () => undefined, "timeout"],
  ])("tell of a process that %s", async (_case, listener, error) => {
    const upstream = await startFakeUpstream(listener);
    const settings = { ...FAST, upstreamHeadersTimeout: 50 };
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], settings);
    await ask(gateway.url, "/t/acme/notes", { method: "POST", body: "x" });
    const batches = await control.sentBatches((sent) => requestsOf(sent, "acme") === 1);
    const [row] = rowsOf(batches, "acme").filter(({ requests }) => requests > 0);
    // How long it took to fail is what its user waited for.
    expect(row).toMatchObject({ errors: { [error]: 1 }, latency: { counts: [1] } });
  });

  test("tell of a process that is not there, and of a client that left, whose wait is not known", async () => {
    const upstream = await startFakeUpstream(() => undefined);
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], FAST);
    const raw = await openRawConnection(gateway.url);
    raw.write("GET /t/acme/notes HTTP/1.1\r\nhost: x\r\n\r\n");
    await control.sentBatches((sent) => rowsOf(sent, "acme").some(({ inFlight }) => inFlight === 1));
    raw.socket.destroy();
    let batches = await control.sentBatches((sent) => requestsOf(sent, "acme") === 1);
    const left = rowsOf(batches, "acme").find(({ requests }) => requests > 0);
    expect(left).toMatchObject({ errors: { clientGone: 1 }, latency: { counts: [] } });
    await upstream.stop();
    await ask(gateway.url, "/t/acme/notes");
    batches = await control.sentBatches((sent) => requestsOf(sent, "acme") === 2);
    expect(sum(rowsOf(batches, "acme"), (row) => row.errors.unreachable ?? 0)).toBe(1);
  });

  test("go on telling what is under way, as long as it is", async () => {
    const upstream = await startFakeUpstream((_request, response) => void response.write("begin"));
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], FAST);
    const open = [await openRawConnection(gateway.url), await openRawConnection(gateway.url)];
    for (const raw of open) {
      raw.write("GET /t/acme/notes HTTP/1.1\r\nhost: x\r\n\r\n");
      await raw.received("begin");
    }
    const isTwo = (row: MeasurementRow): boolean => row.inFlight === 2 && row.requests === 0;
    const seen = control.batches.length;
    await control.sentBatches((sent) => rowsOf(sent.slice(seen), "acme").filter(isTwo).length > 2);
    await control.sentBatches((sent) => rowsOf(sent.slice(seen), null).some(isTwo));
    for (const raw of open) raw.socket.destroy();
    const batches = await control.sentBatches((sent) => requestsOf(sent, "acme") === 2);
    expect(sum(rowsOf(batches, "acme"), (row) => row.errors.clientGone ?? 0)).toBe(2);
  });
});

describe("measurements that can't be sent", () => {
  test("are sent again, under the same number, when nobody knows whether they arrived", async () => {
    const upstream = await startFakeUpstream(byPath);
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], FAST);
    control.batchAnswers.push("lost", 503, 401);
    await ask(gateway.url, "/t/acme/notes/200");
    const batches = await control.sentBatches((sent) => sent.length === 4);
    expect(batches.slice(1).every((batch) => JSON.stringify(batch) === JSON.stringify(batches[0]))).toBe(true);
  });

  test("outlive the gateway, and the next one sends them", async () => {
    const upstream = await startFakeUpstream(byPath);
    const folder = await temporaryFolder();
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { ...FAST, folder });
    await control.stop();
    for (let count = 0; count < 5; count += 1) await ask(gateway.url, "/t/acme/notes/200");
    await gateway.stop();
    expect(requestsOf(control.batches, "acme")).toBe(0);
    const next = await startFakeControlPlane();
    await gatewayOf(next, { ...FAST, folder });
    const batches = await next.sentBatches((sent) => requestsOf(sent, "acme") === 5);
    expect(requestsOf(batches, null)).toBe(5);
  });

  test("are given up when they are refused for what they are, and those after them go on", async () => {
    const upstream = await startFakeUpstream(byPath);
    const { control, gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], FAST);
    control.batchAnswers.push(400);
    await ask(gateway.url, "/t/acme/notes/200");
    await control.sentBatches((sent) => sent.length === 1);
    await ask(gateway.url, "/t/acme/notes/500");
    const batches = await control.sentBatches((sent) => sent.length === 2);
    expect(batches.map(({ number }) => number)).toEqual([1, 2]);
  });

  test("hold no request back while the control plane says nothing", async () => {
    const upstream = await startFakeUpstream(byPath);
    const control = await startFakeControlPlane(endpointsOf([upstream.url]), routeOf());
    const gateway = await gatewayOf(control, FAST);
    await control.report(() => true);
    await control.stop();
    const statuses = [];
    for (let count = 0; count < 20; count += 1) {
      statuses.push((await fetch(`${gateway.url}/t/acme/notes/200`)).status);
    }
    expect(statuses).toEqual(Array.from({ length: 20 }, () => 200));
  });
});

function sum1(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
