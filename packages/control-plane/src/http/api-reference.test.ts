import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import {
  GATEWAY_FEED_PATH,
  GATEWAY_MEASUREMENTS_PATH,
  GATEWAY_REPORT_PATH,
  MONITOR_PATH,
  PUBLISH_PATH,
  ROUTES,
  WATCH_FLEET_PATH,
  WATCH_LOG_PATH,
  WATCH_PATH,
} from "@aibos/contract";

const FILE = new URL("../../../../docs/reference/http-api.md", import.meta.url);

/** Every address of the API, as the page writes it. */
function addresses(): string[] {
  const routes = Object.values(ROUTES).map((route) => `${route.method.toUpperCase()} ${route.path}`);
  const streams = [
    `POST ${PUBLISH_PATH}`,
    `GET ${WATCH_PATH}`,
    `GET ${WATCH_FLEET_PATH}`,
    `GET ${WATCH_LOG_PATH}`,
    `GET ${MONITOR_PATH}`,
    `GET ${GATEWAY_FEED_PATH}`,
    `POST ${GATEWAY_REPORT_PATH}`,
    `POST ${GATEWAY_MEASUREMENTS_PATH}`,
  ];
  const open = ["GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json", "GET /docs"];
  return [...routes, ...streams, ...open].sort();
}

test("the reference of the API lists each address once, and none that there is not", async () => {
  const page = await readFile(FILE, "utf8");
  const listed = [...page.matchAll(/^\| `((?:GET|POST|PUT|PATCH) \/[^`]*)` *\|/gm)].map((match) => match[1] ?? "");
  expect(listed.sort()).toEqual(addresses());
});

test("the reference of the API says of each route what the OpenAPI document says", async () => {
  const page = await readFile(FILE, "utf8");
  for (const { summary } of Object.values(ROUTES)) expect(page).toContain(summary);
});
