import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { AccessLogSettings } from "./access-log.ts";
import { redactedTarget } from "./access-log.ts";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { endpointsOf, gatewayWith, routeOf, temporaryFolder } from "./testing/started-gateway.ts";

async function loggedGateway(settings: Partial<AccessLogSettings> = {}) {
  const file = join(await temporaryFolder(), "logs", "access.log");
  const upstream = await startFakeUpstream();
  const accessLog = { file, sample: 1, wholeAddresses: false, ...settings };
  const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { accessLog, random: () => 0.5 });
  const lines = async (path = file) =>
    (await readFile(path, "utf8"))
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const ask = async (path: string, init?: RequestInit) => (await fetch(gateway.url + path, init)).text();
  return { file, gateway, lines, ask, upstream };
}

describe("the access log", () => {
  test("has a line for each exchange, with nothing secret in it", async () => {
    const { gateway, lines, ask, file, upstream } = await loggedGateway();
    const headers = {
      authorization: "Bearer s3cret",
      cookie: "s3cret=s3cret",
      "x-user-id": "s3cret",
      "x-request-id": "r1",
    };
    await ask("/t/acme/notes/x?token=s3cret&s3cret&page=2", { method: "POST", body: "s3cret", headers });
    await ask("/t/globex/notes");
    await gateway.stop();
    const anyNumber: unknown = expect.any(Number);
    expect(await lines()).toMatchObject([
      {
        time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        kind: "request",
        requestId: "r1",
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        client: "127.0.0.0/24",
        protocol: "1.1",
        method: "POST",
        path: "/t/acme/notes/x?token=…&…&page=…",
        tenant: "acme",
        module: "notes",
        version: "1.0.0",
        status: 200,
        totalMs: anyNumber,
        heldMs: anyNumber,
        answerMs: anyNumber,
        received: 6,
        sent: anyNumber,
        upstream: `${upstream.url}/`,
      },
      { status: 404, failure: "refused", problem: "AIBOS_GATEWAY_ROUTE_UNKNOWN", tenant: "globex" },
    ]);
    expect(await readFile(file, "utf8")).not.toContain("s3cret");
  });

  test("has a share of what went well, and all that failed", async () => {
    const { gateway, lines, ask } = await loggedGateway({ sample: 0.4, wholeAddresses: true });
    for (const path of ["/t/acme/notes", "/t/globex/notes", "/t/acme/notes"]) await ask(path);
    await gateway.stop();
    expect(await lines()).toMatchObject([{ tenant: "globex", client: "127.0.0.1" }]);
  });

  test("goes on in a new file when the old one was moved away", async () => {
    const { gateway, lines, ask, file } = await loggedGateway();
    await ask("/t/acme/notes/1");
    await vi.waitFor(async () => expect(await lines()).toHaveLength(1), { timeout: 20_000, interval: 20 });
    await rename(file, `${file}.1`);
    gateway.reopenLogs();
    await vi.waitFor(() => readFile(file), { timeout: 20_000, interval: 5 });
    await ask("/t/acme/notes/2");
    await gateway.stop();
    expect(await lines()).toMatchObject([{ path: "/t/acme/notes/2" }]);
    expect(await lines(`${file}.1`)).toMatchObject([{ path: "/t/acme/notes/1" }]);
  });

  test.each([
    ["http://ann:s3cret@shop.example/t/acme?a=1", "http://…@shop.example/t/acme?a=…"],
    ["/t/acme?s3cret", "/t/acme?…"],
    ["/t/acme?a=b=c&d", "/t/acme?a=…&…"],
    ["*", "*"],
  ])("shows %s as %s", (target, shown) => {
    expect(redactedTarget(target)).toBe(shown);
  });
});
