import { expect, test } from "vitest";
import type { FleetUpgrade } from "@aibos/contract";
import { createHttpApp } from "./app.ts";
import { BEARER, fakePlatform } from "./testing/fake-platform.ts";

const FLEETS = [
  { id: "flt_1", status: "running" },
  { id: "flt_1", status: "done" },
] as unknown as FleetUpgrade[];

async function watched(accept: string): Promise<[type: string | null, body: string]> {
  const app = createHttpApp(
    fakePlatform({
      watchFleetUpgrade: async function* () {
        yield* FLEETS;
      },
    }),
  );
  const response = await app.request("/v1/fleet-upgrades/flt_1/events", { headers: { ...BEARER, accept } });
  return [response.headers.get("content-type"), await response.text()];
}

test("a fleet upgrade is watched as lines of JSON", async () => {
  const lines = '{"id":"flt_1","status":"running"}\n{"id":"flt_1","status":"done"}\n';
  expect(await watched("*/*")).toEqual(["application/x-ndjson", lines]);
});

test("or as server-sent events, where they are accepted", async () => {
  const events = 'data: {"id":"flt_1","status":"running"}\n\ndata: {"id":"flt_1","status":"done"}\n\n';
  expect(await watched("text/event-stream")).toEqual(["text/event-stream", events]);
});
