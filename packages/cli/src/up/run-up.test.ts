import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { journalFile, journalLines, readJournal, until } from "../testing/fake-journal.ts";
import { type RunningCommand, startCommand } from "../testing/run-command.ts";
import { readServerFile } from "./server-file.ts";

const UP = fileURLToPath(new URL("../testing/up-with-fakes.ts", import.meta.url));
const READY = "Ctrl-C stops it.";

let folder = "";
let data = "";
let running: RunningCommand | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-up-"));
  data = join(folder, "data");
});
afterEach(async () => {
  running?.child.kill("SIGKILL");
  for (const { pid } of await readJournal(folder)) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

function up(fakes: Record<string, string> = {}, ...words: string[]): RunningCommand {
  running = startCommand([data, ...words], {
    file: UP,
    ownGroup: true,
    environment: { FAKE_JOURNAL: journalFile(folder), ...fakes },
  });
  return running;
}

test("up tells where everything is; Ctrl-C stops the gateway, then the control plane", async () => {
  const { child, ended, said } = up();
  await said(READY);
  const file = await readServerFile(data);
  expect(file?.pid).toBe(child.pid);
  // To the whole group, as a terminal does: the programs must not get it.
  process.kill(-(child.pid ?? 0), "SIGINT");
  const { code, out } = await ended;
  expect(code).toBe(0);
  expect(out.split("\n")).toEqual([
    "Starting the control plane",
    "Starting the gateway",
    "✔ AI-BOS Versions runs",
    "",
    `  API       ${file?.url}`,
    `  API docs  ${file?.url}/docs`,
    `  Gateway   ${file?.gatewayUrl}/t/<tenant>/<module>/`,
    `  Data      ${data}`,
    `  Token     ${data}/token`,
    "",
    READY,
    "Stopping. Ctrl-C again ends it at once.",
    "✔ The gateway has stopped",
    "✔ The control plane has stopped",
    "Stopped. The data stays; start it again with the same folder.",
    "",
  ]);
  expect((await journalLines(folder)).slice(2)).toEqual(["gateway stopped", "control-plane stopped"]);
  expect(await readServerFile(data)).toBeUndefined();
});

test("with --json it prints one document", async () => {
  const { child, ended, said } = up({}, "--json");
  await said("}");
  child.kill("SIGTERM");
  const { code, out } = await ended;
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ dataFolder: data, tokenFile: `${data}/token`, pid: child.pid });
});

test("a kill -9 of up leaves no program behind: each stops in order", async () => {
  const { child, ended, said } = up();
  await said(READY);
  child.kill("SIGKILL");
  await ended;
  await until(async () => (await journalLines(folder)).length === 4);
  expect((await journalLines(folder)).slice(2).toSorted()).toEqual(["control-plane stopped", "gateway stopped"]);
});

test("a second Ctrl-C ends at once what does not stop", async () => {
  const { child, ended, said } = up({ FAKE_GATEWAY: "stubborn" });
  await said(READY);
  child.kill("SIGINT");
  await until(async () => (await journalLines(folder)).includes("gateway asked"));
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  const pids = (await readJournal(folder)).map(({ pid }) => pid);
  await until(() => !pids.some(isAlive));
});

test("Ctrl-C while a program still starts stops it", async () => {
  const { child, ended } = up({ FAKE_CONTROL_PLANE: "slow" });
  await until(async () => (await journalLines(folder)).length === 1);
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0, err: "" });
  expect(await journalLines(folder)).toEqual(["control-plane started", "control-plane stopped"]);
});

test("it stops when whoever started it is gone, where that is asked for", async () => {
  const { child, ended, said } = up({ AIBOS_STOP_WITH_PARENT: "1" });
  await said(READY);
  child.stdin?.end();
  expect((await ended).code).toBe(0);
  expect((await journalLines(folder)).slice(2)).toEqual(["gateway stopped", "control-plane stopped"]);
});

test("it stops when the launcher that started it was killed", async () => {
  const { child, ended, said } = up();
  await said(READY);
  child.disconnect();
  expect((await ended).code).toBe(0);
  expect((await journalLines(folder)).slice(2)).toEqual(["gateway stopped", "control-plane stopped"]);
});

test("--verbose shows what the programs log", async () => {
  const { child, ended, said } = up({}, "--verbose");
  await said("gateway the log of the gateway");
  child.kill("SIGINT");
  expect((await ended).err).toContain("control plane the log of the control-plane");
});

test("a program that dies is told, and so is that it is back", async () => {
  const { child, ended, said } = up();
  await said(READY);
  const gateway = (await readJournal(folder)).find(({ part }) => part === "gateway");
  process.kill(gateway?.pid ?? 0, "SIGKILL");
  await said("! The gateway was ended by SIGKILL; it is started again in 10 ms");
  await said("✔ The gateway is back");
  child.kill("SIGINT");
  expect((await ended).code).toBe(0);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
