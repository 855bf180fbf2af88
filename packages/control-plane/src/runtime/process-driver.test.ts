import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeploymentStartFailedError } from "./deployment-start-failed-error.ts";
import { InstallFailedError } from "./install-failed-error.ts";
import { SUPERVISION_TIMES } from "./module-process.ts";
import { createProcessDriver } from "./process-driver.ts";
import { processIdentity } from "./process-identity.ts";
import type { DeploymentStatus, RuntimeDriver } from "./runtime-driver.ts";
import { smallModule } from "./testing/small-module.ts";

const log = pino({ level: "silent" });
const times = { ...SUPERVISION_TIMES, firstDelay: 20, longestDelay: 200, healthEvery: 50, healthTimeout: 200 };

let folder = "";
let driver: RuntimeDriver | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-runtime-"));
});
afterEach(async () => {
  await driver?.close({ stopProcesses: true });
  driver = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<RuntimeDriver> {
  driver = await createProcessDriver({ folder, log, times });
  return driver;
}

async function ask(status: DeploymentStatus, path = "/"): Promise<string> {
  return (await fetch(`${status.url}${path}`)).text();
}

async function isAlive(pid: number | null): Promise<boolean> {
  return (await processIdentity(pid ?? 0)) !== undefined;
}

function next(running: RuntimeDriver, isIt: (status: DeploymentStatus) => boolean): Promise<DeploymentStatus> {
  return new Promise((resolve) => {
    const end = running.onChange((status) => {
      if (!isIt(status)) return;
      end();
      resolve(status);
    });
  });
}

/** Starts versions in a process of their own and kills it with SIGKILL. */
async function killedRun(...versions: string[]): Promise<{ version: string; url: string; pid: number }[]> {
  const file = fileURLToPath(new URL("testing/runtime-process.ts", import.meta.url));
  const child = spawn(process.execPath, [file, folder, ...versions], { stdio: ["pipe", "pipe", "inherit"] });
  const started: { version: string; url: string; pid: number }[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    started.push(JSON.parse(line) as { version: string; url: string; pid: number });
    if (started.length === versions.length) break;
  }
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  return started;
}

describe("a version's process", () => {
  test("serves at 127.0.0.1, and a second wish for it finds it running", async () => {
    const running = await start();
    const spec = await smallModule("1.0.0");
    const [first, second] = await Promise.all([running.ensure(spec), running.ensure(spec)]);
    expect(first).toMatchObject({ state: "healthy", restarts: 0, lastError: null });
    expect(second.pid).toBe(first.pid);
    expect(await ask(first)).toBe(String(first.pid));
    expect(running.list()).toEqual([{ module: "small", version: "1.0.0" }]);
  });

  test("sees its own environment, and nothing of the control plane's", async () => {
    process.env["AIBOS_TOKEN"] = "a secret of the control plane";
    try {
      const status = await (await start()).ensure(await smallModule("1.0.0", { environment: { GREETING: "hello" } }));
      const seen = JSON.parse(await ask(status, "/environment")) as Record<string, string>;
      expect(seen).toMatchObject({ GREETING: "hello", AIBOS_MODULE: "small", PORT: expect.stringMatching(/^2\d{4}$/) });
      expect(Object.keys(seen).filter((name) => /TOKEN|DATABASE|VITEST|npm_/.test(name))).toEqual([]);
    } finally {
      delete process.env["AIBOS_TOKEN"];
    }
  });

  test("that dies is started again, and the new address is told", async () => {
    const running = await start();
    const status = await running.ensure(await smallModule("1.0.0"));
    const restarting = next(running, ({ state }) => state === "restarting");
    const back = next(running, ({ state, restarts }) => state === "healthy" && restarts === 1);
    await ask(status, "/die").catch(() => undefined);
    expect(await restarting).toMatchObject({ url: null, pid: null });
    const again = await back;
    expect(again.pid).not.toBe(status.pid);
    expect(await ask(again)).toBe(String(again.pid));
  });

  test("that hangs is ended and started again", async () => {
    const running = await start();
    const spec = await smallModule("1.0.0", { environment: { STUBBORN: "1" } });
    const status = await running.ensure(spec);
    const back = next(running, ({ state, restarts }) => state === "healthy" && restarts === 1);
    await fetch(`${status.url}/hang`, { signal: AbortSignal.timeout(200) }).catch(() => undefined);
    expect((await back).pid).not.toBe(status.pid);
    expect(await isAlive(status.pid)).toBe(false);
  });

  test("is ended with SIGTERM, or SIGKILL when it does not listen, and its own children with it", async () => {
    const running = await start();
    const status = await running.ensure(await smallModule("1.0.0", { environment: { STUBBORN: "1" } }));
    const child = Number(await ask(status, "/child"));
    expect(await isAlive(child)).toBe(true);
    await running.stop(status);
    expect(await isAlive(status.pid)).toBe(false);
    await expect.poll(() => isAlive(child)).toBe(false);
    expect(running.list()).toEqual([]);
    expect(await readdir(join(folder, "processes"))).toEqual([]);
  });

  test("that is to run with other settings replaces the one that ran", async () => {
    const running = await start();
    const before = await running.ensure(await smallModule("1.0.0"));
    const after = await running.ensure(await smallModule("1.0.0", { environment: { GREETING: "again" } }));
    expect(after.pid).not.toBe(before.pid);
    expect(await isAlive(before.pid)).toBe(false);
  });

  test("writes to a log of its own", async () => {
    const running = await start();
    const status = await running.ensure(await smallModule("1.0.0"));
    await ask(status, "/write");
    await expect.poll(() => readFile(join(folder, "logs", "small@1.0.0.log"), "utf8")).toMatch(/^x{4096}\n$/);
  });
});

describe("a start that fails tells why:", () => {
  test("a process that ends, with its last words", async () => {
    const running = await start();
    const spec = await smallModule("1.0.0", { command: "echo no configuration; exit 7" });
    const ensuring = running.ensure(spec);
    await expect(ensuring).rejects.toThrow(DeploymentStartFailedError);
    await expect(ensuring).rejects.toThrow(
      "small 1.0.0 could not be started: it ended with exit code 7 before it was healthy. It said: no configuration",
    );
  });

  test("a process that is never healthy, and is ended", async () => {
    const running = await start();
    const pids: (number | null)[] = [];
    running.onChange(({ pid }) => pids.push(pid));
    const spec = await smallModule("1.0.0", { command: "echo up; sleep 600", startTimeoutSeconds: 1 });
    await expect(running.ensure(spec)).rejects.toThrow(/it was not healthy within 1 s: its health check failed/);
  });

  test("a program that is not there", async () => {
    const spec = { ...(await smallModule("1.0.0")) };
    const runtime = { ...spec.runtime, command: ["no-such-program"] };
    await expect((await start()).ensure({ ...spec, runtime })).rejects.toThrow(
      /exit code 12[67] .*no-such-program: (not found|Permission denied)/,
    );
  });

  test("and is tried again at the next wish", async () => {
    const running = await start();
    const spec = await smallModule("1.0.0", { command: "test -e ready || exit 1; exec node server.mjs" });
    await expect(running.ensure(spec)).rejects.toThrow("exit code 1");
    await running.stop(spec);

    await writeFile(join(folder, "artifacts", spec.digest, "ready"), "");
    expect(await running.ensure(spec)).toMatchObject({ state: "healthy" });
  });
});

describe("an install command", () => {
  test("runs once where the archive is unpacked", async () => {
    const running = await start();
    const spec = await smallModule("1.0.0", { install: "echo installed >> installed.txt" });
    await running.ensure(spec);
    await running.stop(spec);
    await running.ensure(spec);
    expect(await readFile(join(folder, "artifacts", spec.digest, "installed.txt"), "utf8")).toBe("installed\n");
  });

  test("that fails is told with its last words, and is run anew at the next wish", async () => {
    const running = await start();
    const spec = await smallModule("1.0.0", { install: "echo disk full; exit 9" });
    const ensuring = running.ensure(spec);
    await expect(ensuring).rejects.toThrow(InstallFailedError);
    await expect(ensuring).rejects.toThrow(
      "The install command of small 1.0.0 ended with exit code 9. It said: disk full",
    );
    await expect(stat(join(folder, "artifacts", `${spec.digest}.installed`))).rejects.toThrow("ENOENT");
  });

  test("that was interrupted does not count", async () => {
    const spec = await smallModule("1.0.0", { install: "test ! -e half && touch half" });
    const running = await start();
    await running.ensure(spec);
    await running.stop(spec);
    await rm(join(folder, "artifacts", `${spec.digest}.installed`));
    // In the same folder the command would fail: it is unpacked anew.
    expect(await running.ensure(spec)).toMatchObject({ state: "healthy" });
  });
});

describe("after the control plane was killed", () => {
  test("the next one adopts a process that runs on", async () => {
    const [orphan] = await killedRun("1.0.0");
    expect(await isAlive(orphan?.pid ?? 0)).toBe(true);
    const running = await start();
    expect(running.list()).toEqual([{ module: "small", version: "1.0.0" }]);
    const status = await running.ensure(await smallModule("1.0.0"));
    expect(status).toMatchObject({ pid: orphan?.pid, url: orphan?.url, state: "healthy" });
    const back = next(running, ({ state, restarts }) => state === "healthy" && restarts === 1);
    process.kill(orphan?.pid ?? 0, "SIGKILL");
    expect((await back).pid).not.toBe(orphan?.pid);
  });

  test("the next one ends a process that is to run otherwise, and one that nobody wants", async () => {
    const [first, second] = await killedRun("1.0.0", "1.1.0");
    const running = await start();
    const status = await running.ensure(await smallModule("1.0.0", { environment: { GREETING: "new" } }));
    expect(status.pid).not.toBe(first?.pid);
    await running.close({ stopProcesses: true });
    expect(await isAlive(first?.pid ?? 0)).toBe(false);
    expect(await isAlive(second?.pid ?? 0)).toBe(false);
  });

  test("a number that belongs to another program now is left alone", async () => {
    const [orphan] = await killedRun("1.0.0");
    process.kill(orphan?.pid ?? 0, "SIGKILL");
    await expect.poll(() => isAlive(orphan?.pid ?? 0)).toBe(false);
    const bystander = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
    try {
      const file = join(folder, "processes", "small%401.0.0.json");
      const record = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;

      await writeFile(file, JSON.stringify({ ...record, pid: bystander.pid }));
      const running = await start();
      expect(running.list()).toEqual([]);
      const status = await running.ensure(await smallModule("1.0.0"));
      expect(status.pid).not.toBe(bystander.pid);
      expect(await isAlive(bystander.pid ?? 0)).toBe(true);
    } finally {
      bystander.kill("SIGKILL");
    }
  });
});

test("a record that is damaged is thrown away", async () => {
  const first = await start();
  await first.close({ stopProcesses: true });

  await writeFile(join(folder, "processes", "small%401.0.0.json"), "{ half");
  expect((await start()).list()).toEqual([]);
});
