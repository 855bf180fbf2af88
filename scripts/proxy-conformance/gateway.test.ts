import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startOurs } from "../proxies/gateway.ts";
import { KNOWN_DEVIATIONS } from "./known-deviations.ts";
import { openLaboratoryBench } from "./laboratory.ts";
import { CONFORMANCE_GROUPS, runCase } from "./run-conformance.ts";

test("the gateway is as a proxy must be, in every case but those that are known", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aibos-proxy-"));
  const bench = await openLaboratoryBench();
  const options = { upstreamPort: bench.upstreamPort, folder, launcher: [], answerTimeout: 2_000 };
  const proxy = await startOurs(options);
  try {
    if (proxy === null) throw new Error("The gateway can always be started.");
    const cases = CONFORMANCE_GROUPS.flatMap(([, group]) => group);
    expect(cases.length).toBeGreaterThan(80);
    const bad: string[] = [];
    for (const one of cases) {
      const verdict = await runCase(one, proxy, bench);
      if (verdict.verdict !== "good") bad.push(one.title);
    }
    expect(bad.toSorted()).toEqual(KNOWN_DEVIATIONS.toSorted());
  } finally {
    await proxy?.stop();
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  }
}, 300_000);
