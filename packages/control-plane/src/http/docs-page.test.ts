import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sparticuz from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createHttpApp } from "./app.ts";
import { type HttpServer, serveHttp } from "./serve-http.ts";
import { fakePlatform } from "./testing/fake-platform.ts";

let server: HttpServer;
let browser: Browser;
let folder = "";
const { TMPDIR } = process.env;
beforeAll(async () => {
  // The browser unpacks itself there, and finds what another user of the machine has unpacked.
  folder = await mkdtemp(join(tmpdir(), "aibos-browser-"));
  process.env["TMPDIR"] = folder;
  server = await serveHttp({ app: createHttpApp(fakePlatform()), host: "127.0.0.1", port: 0 });
  browser = await chromium.launch({ executablePath: await sparticuz.executablePath(), args: sparticuz.args });
});
afterAll(async () => {
  await browser.close();
  await server.close();
  if (TMPDIR === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = TMPDIR;
  await rm(folder, { recursive: true, force: true });
});

test("the page for people shows every route in a browser, and asks nobody else for anything", async () => {
  const page = await browser.newPage();
  const elsewhere: string[] = [];
  const problems: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith("data:")) elsewhere.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));

  await page.goto(`${server.url}/docs`);
  await page.getByText("/v1/tenants/{tenant}/labels").waitFor();
  await page.getByRole("button", { name: "Authorize" }).waitFor();
  await page.getByText("Publishes a packed module version").waitFor();
  await page.getByText("Creates a tenant").click();
  await page.getByText("Request body").first().waitFor();
  expect(elsewhere).toEqual([]);
  expect(problems).toEqual([]);
});
