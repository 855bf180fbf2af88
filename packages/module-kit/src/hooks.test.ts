import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createHookCaller, type HookOutcome, type StoredHook } from "./hooks.ts";
import { isPublicAddress } from "./public-address.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const SCHEMA = "type: object\nproperties: { total: { type: number } }\nrequired: [total]\n";

let server: Server;
let url = "";
let answer: { status: number; body: string } = { status: 200, body: "" };
const received: { headers: NodeJS.Dict<string | string[]>; body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
      if (answer.status === 0) return;
      response.writeHead(answer.status, { location: "/elsewhere" }).end(answer.body);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  received.length = 0;
});

function call(
  hook: unknown,
  { payload = { total: 12 }, privateAddresses = true, timeoutMs = 5_000 } = {},
): Promise<HookOutcome> {
  const stored: StoredHook = { content: JSON.stringify(hook), schema: SCHEMA, secret: SECRET };
  const caller = createHookCaller({ module: "shop", version: "1.0.0", privateAddresses, now: () => 1_800_000_000_000 });
  return caller.call(stored, { name: "on-order", tenant: "acme", payload, timeoutMs });
}

describe("an expression", () => {
  test("is evaluated with the payload", async () => {
    const expression = { if: [{ ">": [{ var: "total" }, 10] }, { cat: ["large, ", { var: "tenant.id" }] }, null] };
    expect(await call({ expression })).toEqual({ status: "called", result: "large, acme" });
    expect(await call({ expression }, { payload: { total: 1 } })).toEqual({ status: "called", result: null });
  });

  test("that fails is told", async () => {
    expect(await call({ expression: { "+": ["x", 1] } })).toEqual({
      status: "failed",
      reason: "The expression failed: a number was expected.",
    });
  });
});

describe("a webhook", () => {
  test("gets the payload, signed with the tenant's secret, and its answer is the result", async () => {
    answer = { status: 200, body: '{"approved":true}' };
    expect(await call({ url })).toEqual({ status: "called", result: { approved: true } });
    const { headers, body } = received[0] ?? { headers: {}, body: "" };
    expect(JSON.parse(body)).toEqual({
      type: "on-order",
      timestamp: "2027-01-15T08:00:00.000Z",
      tenant: "acme",
      module: "shop",
      version: "1.0.0",
      data: { total: 12 },
    });
    const signed = `${String(headers["webhook-id"])}.1800000000.${body}`;
    const signature = createHmac("sha256", Buffer.alloc(32, 7)).update(signed).digest("base64");
    expect(headers).toMatchObject({ "webhook-timestamp": "1800000000", "webhook-signature": `v1,${signature}` });
  });

  test.each([
    [500, "", "The webhook answered 500."],
    [302, "", "The webhook answered 302."],
    [200, "x".repeat(70_000), "The webhook gave no answer: the answer is longer than 65536 bytes."],
  ])("that answers %i is told and never followed", async (status, body, reason) => {
    answer = { status, body };
    expect(await call({ url })).toEqual({ status: "failed", reason });
    expect(received).toHaveLength(1);
  });

  test("that answers no JSON was called, and said nothing", async () => {
    answer = { status: 204, body: "" };
    expect(await call({ url })).toEqual({ status: "called", result: null });
  });

  test("that does not answer in time is given up", async () => {
    answer = { status: 0, body: "" };
    expect(await call({ url }, { timeoutMs: 50 })).toMatchObject({ status: "failed" });
  });

  test("does not lead into private networks, by number or by name", async () => {
    for (const inside of [url, url.replace("127.0.0.1", "[::1]"), url.replace("127.0.0.1", "localhost")]) {
      const outcome = await call({ url: inside }, { privateAddresses: false });
      expect(outcome).toMatchObject({ status: "failed", reason: expect.stringContaining("private network") as string });
    }
    expect(received).toEqual([]);
  });
});

test("no hook is none, and a payload that was not declared is the module's mistake", async () => {
  expect(await call(null)).toEqual({ status: "none" });
  await expect(call(null, { payload: { total: "x" } as never })).rejects.toThrow(
    'Hook "on-order": its payload is not valid',
  );
});

test.each([
  ["8.8.8.8", true],
  ["2606:4700::1", true],
  ["127.0.0.1", false],
  ["169.254.169.254", false],
  ["10.1.2.3", false],
  ["::1", false],
  ["::ffff:10.0.0.1", false],
  ["fd00::1", false],
  ["no address", false],
])("%s is public: %s", (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected);
});
