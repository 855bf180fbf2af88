import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startRolloutEngine } from "./rollout-engine.ts";
import { createRolloutWorld, NEW, type RolloutWorld, SILENT } from "./testing/rollout-world.ts";

// Dozens of looks at real measurements, however busy the machine is.
vi.setConfig({ testTimeout: 180_000 });

let world: RolloutWorld;
beforeAll(async () => {
  world = await createRolloutWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const QUICK = { steps: [{ weight: 10, holdSeconds: 20 }], minimumSamples: 50 };

describe("what is outside", () => {
  test("and lets one rollout wait holds up no other one's looks", async () => {
    const [slow, quick] = [
      await world.start([await world.tenant()], QUICK),
      await world.start([await world.tenant()], QUICK),
    ];
    const { promise: waiting, resolve: answer } = Promise.withResolvers<void>();
    const looks: string[] = [];
    const look = (id: string): Promise<void> => {
      looks.push(id);
      return id === slow.id ? waiting : Promise.resolve();
    };
    let now = world.now() + 60_000;
    const engine = startRolloutEngine({ ...world.control, looker: { look }, log: SILENT, now: () => now });
    const first = engine.tick();
    const isLooked = (times: number): boolean => looks.filter((id) => id === quick.id).length === times;
    await expect.poll(() => isLooked(1) && looks.includes(slow.id), { timeout: 20_000 }).toBe(true);
    // Long after the time that it was taken for is over, too.
    for (const times of [2, 3]) {
      now += 15_000;
      await engine.tick();
      expect(isLooked(times)).toBe(true);
    }
    expect(looks.filter((id) => id === slow.id)).toHaveLength(1);
    answer();
    await first;
    now += 15_000;
    await engine.tick();
    expect(looks.filter((id) => id === slow.id)).toHaveLength(2);
    await engine.stop();
  });

  test("a webhook is a gate, and gives numbers to compare; Prometheus does, too", async () => {
    const asked: string[] = [];
    let agrees = false;
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      const version = new URL(request.url ?? "", "http://x").searchParams.get("query") ?? "";
      const value = version.includes(NEW) ? "9" : "3";
      if (request.url === "/gate") response.writeHead(agrees ? 200 : 409).end();
      else if (request.url === "/numbers") response.end(JSON.stringify({ old: 1, new: 1 }));
      else
        response.end(
          JSON.stringify({
            status: "success",
            data: { resultType: "vector", result: [{ metric: {}, value: [0, value] }] },
          }),
        );
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { id } = await world.start([await world.tenant()], {
      ...QUICK,
      steps: [{ weight: 10, holdSeconds: 86_400, gates: [{ kind: "webhook", url: `${url}/gate` }] }],
      analyses: [
        { name: "queue", metric: "prometheus", url, query: 'queue{version="$version"}', tolerance: { relative: 0.5 } },
        { name: "refunds", metric: "webhook", url: `${url}/numbers`, level: "warn" },
      ],
    });
    expect(await world.pass(id, 2)).toMatchObject({ weight: 0, reason: `Waits for ${url} to agree.` });
    agrees = true;
    expect(await world.pass(id, 1)).toMatchObject({ weight: 10 });
    const rollout = await world.pass(id, 15);
    server.close();
    expect(rollout.status).toBe("rolled-back");
    expect(rollout.reason).toMatch(/^Fail: queue 9 against 3 \(\d+ and \d+ windows\) is worse than is tolerated/);
    expect(asked).toContain(
      `/api/v1/query?query=${encodeURIComponent(`queue{version="${NEW}"}`).replaceAll("%20", "+")}`,
    );
  });
});
