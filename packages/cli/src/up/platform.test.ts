import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { journalFile, journalLines, readJournal, until } from "../testing/fake-journal.ts";
import { createLocalPlatform, type LocalPlatform, type PlatformEvent } from "./platform.ts";
import { readServerFile } from "./server-file.ts";

const PROGRAM = fileURLToPath(new URL("../testing/fake-program.ts", import.meta.url));

let folder = "";
let platform: LocalPlatform | undefined;
let events: PlatformEvent[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-up-"));
  events = [];
});
afterEach(async () => {
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
});

function create(fakes: Record<string, string> = {}): LocalPlatform {
  platform = createLocalPlatform({
    programs: { controlPlane: PROGRAM, gateway: PROGRAM },
    dataFolder: join(folder, "data"),
    host: undefined,
    port: 0,
    postgresPort: 5_999,
    gatewayHost: undefined,
    gatewayPort: 0,
    identify: "path,host",
    baseHost: undefined,
    tokenFile: undefined,
    inherited: { PATH: process.env["PATH"], FAKE_JOURNAL: journalFile(folder), ...fakes },
    delays: { first: 5, longest: 20, steady: 60_000 },
    onEvent: (event) => events.push(event),
  });
  return platform;
}

test("the control plane starts first, then the gateway with its address and token", async () => {
  const address = await create().start();
  const [controlPlane, gateway] = await readJournal(folder);
  const data = join(folder, "data");
  expect(controlPlane).toMatchObject({
    part: "control-plane",
    environment: { AIBOS_DATA_DIR: data, AIBOS_PORT: "0", AIBOS_POSTGRES_PORT: "5999", AIBOS_STOP_WITH_PARENT: "1" },
  });
  expect(gateway).toMatchObject({
    part: "gateway",
    environment: {
      AIBOS_CONTROL_URL: address.url,
      AIBOS_TOKEN_FILE: join(data, "token"),
      AIBOS_GATEWAY_FOLDER: join(data, "gateway"),
      AIBOS_GATEWAY_IDENTIFY: "path,host",
    },
  });
  expect(await (await fetch(address.gatewayUrl)).text()).toBe("gateway");
  expect((await stat(data)).mode & 0o777).toBe(0o700);
  expect(await readServerFile(data)).toEqual({ url: address.url, gatewayUrl: address.gatewayUrl, pid: process.pid });
  expect(await readFile(join(data, "logs", "gateway.log"), "utf8")).toBe("the log of the gateway\n");
});

test("a stop ends the gateway before the control plane, and takes the address away", async () => {
  await create().start();
  await platform?.stop();
  expect((await journalLines(folder)).slice(2)).toEqual(["gateway stopped", "control-plane stopped"]);
  expect(await readServerFile(join(folder, "data"))).toBeUndefined();
});

test("the gateway keeps its name from run to run", async () => {
  for (const _run of [1, 2]) {
    await create().start();
    await platform?.stop();
  }
  const ids = (await readJournal(folder)).flatMap(({ environment }) => environment["AIBOS_GATEWAY_ID"] ?? []);
  expect(ids.length).toBe(4);
  expect(new Set(ids).size).toBe(1);
});

test("a program that dies is started again at the same address", async () => {
  const address = await create().start();
  for (const round of [1, 2]) {
    const pid = (await readJournal(folder)).findLast(({ part }) => part === "control-plane")?.pid ?? 0;
    process.kill(pid, "SIGKILL");
    await until(() => events.filter((event) => event.type === "back").length === round);
    expect(await (await fetch(address.url)).text()).toBe("control-plane");
  }
  expect(events.filter((event) => event.type === "ended")).toEqual([
    expect.objectContaining({ program: "control plane", how: "was ended by SIGKILL", delayMs: 5 }),
    expect.objectContaining({ delayMs: 10 }),
  ]);
});

test("a program that can't be started again is tried again, later each time", async () => {
  const address = await create({ FAKE_GATEWAY: "failed-again" }).start();
  process.kill((await readJournal(folder)).at(-1)?.pid ?? 0, "SIGKILL");
  await until(() => events.some((event) => event.type === "back"));
  expect(await (await fetch(address.gatewayUrl)).text()).toBe("gateway");
  const ended = events.filter((event) => event.type === "ended");
  expect(ended.map(({ delayMs }) => delayMs)).toEqual([5, 10, 20]);
  expect(ended[1]?.how).toMatch(/^can't start: Port \d+ is used by another program/);
});

test("a control plane that tells why it can't start is not tried again, and no gateway is started", async () => {
  await expect(create({ FAKE_CONTROL_PLANE: "failed" }).start()).rejects.toMatchObject({
    code: "AIBOS_PORT_TAKEN",
    message: "Port 0 is used by another program. Here it is chosen with --port.",
  });
  expect(await journalLines(folder)).toEqual(["control-plane started"]);
});

test("a data folder that can't be made is told with the option that names another", async () => {
  await writeFile(join(folder, "data"), "a file");
  await expect(create().start()).rejects.toMatchObject({
    code: "AIBOS_CONFIG_INVALID",
    message: expect.stringContaining("--data-dir"),
  });
  expect(await journalLines(folder)).toEqual([]);
});

test("a gateway that can't start takes the control plane down again, and names its own option", async () => {
  await expect(create({ FAKE_GATEWAY: "failed" }).start()).rejects.toMatchObject({
    message: expect.stringContaining("--gateway-port"),
  });
  expect(await journalLines(folder)).toEqual(["control-plane started", "gateway started", "control-plane stopped"]);
});

test("a program that dies without a word is told with the end of its log", async () => {
  const log = join(folder, "data", "logs", "control-plane.log");
  await expect(create({ FAKE_CONTROL_PLANE: "dies" }).start()).rejects.toMatchObject({
    code: "AIBOS_INTERNAL",
    message: [
      "The control plane ended with exit code 7 before it was ready. It said:",
      "  out of luck: the reason",
      `Its log is ${log}.`,
    ].join("\n"),
  });
});
