import { describe, expect, it } from "vitest";
import { commandFleet, type FleetCourse, type FleetLook, type FleetState, moveFleet } from "./fleet-machine.ts";
import { planWaves } from "./upgrade-waves.ts";

const COURSE: FleetCourse = {
  waves: planWaves(
    { tenants: 10, canaries: 2 },
    [
      { upTo: "canary", soakSeconds: 60 },
      { upTo: 100, soakSeconds: 0 },
    ],
    4,
  ),
  delayMs: 1_000,
  limits: { inAll: { count: 1 }, perWave: { percent: 50 } },
  scheduledAt: 500,
};
const PLANNED: FleetState = {
  status: "planned",
  batch: 0,
  pausedUntil: null,
  forgiven: { wave: 0, all: 0 },
  acceptDataLoss: false,
  reason: "",
};
const RUNNING: FleetState = { ...PLANNED, status: "running" };
const LOOK: FleetLook = {
  batchOpen: 2,
  waveFailed: 0,
  waveTenants: 2,
  failed: 0,
  tenants: 10,
  moving: 1,
  open: 10,
  toReturn: 0,
  keptBack: 0,
  worse: null,
};
const move = (state: FleetState, look: Partial<FleetLook>, now = 1_000): FleetState =>
  moveFleet(state, COURSE, { ...LOOK, ...look }, now);

describe("a fleet upgrade", () => {
  it("begins at its time", () => {
    expect(move(PLANNED, {}, 499)).toBe(PLANNED);
    expect(move(PLANNED, {}, 500)).toMatchObject({ status: "running", reason: 'Moves wave "canary", batch 1 of 3.' });
  });

  it("watches after a wave, waits between batches, and is done when everybody is settled", () => {
    expect(move(RUNNING, {})).toBe(RUNNING);
    const soaking = move(RUNNING, { batchOpen: 0, moving: 0, open: 8 });
    expect(soaking).toMatchObject({ batch: 0, pausedUntil: 61_000, reason: 'Watches what wave "canary" moved.' });
    expect(move(soaking, { batchOpen: 0 }, 60_999)).toBe(soaking);
    const second = move(soaking, { batchOpen: 0 }, 61_000);
    expect(second).toMatchObject({ batch: 1, pausedUntil: null, reason: 'Moves wave "rest", batch 2 of 3.' });
    expect(move(second, { batchOpen: 0, open: 4 })).toMatchObject({ pausedUntil: 2_000 });
    const last = { ...second, batch: 2 };
    expect(move(last, { batchOpen: 0, open: 1 })).toBe(last);
    expect(move(last, { batchOpen: 0, open: 0 })).toMatchObject({ status: "done" });
  });

  it("halts above a limit, in a wave or in all, or when measurements say so", () => {
    expect(move(RUNNING, { waveFailed: 1, failed: 1 }).status).toBe("running");
    expect(move(RUNNING, { waveFailed: 2, failed: 2 }).reason).toBe(
      "Halted: 2 failed in this wave, and 50 % of 2 may.",
    );
    expect(move({ ...RUNNING, batch: 1 }, { waveTenants: 8, waveFailed: 1, failed: 2 }).reason).toBe(
      "Halted: 2 failed, and 1 may.",
    );
    expect(move(RUNNING, { worse: "slower." })).toMatchObject({ status: "halted", reason: "Halted: slower." });
    const halted = move(RUNNING, { worse: "slower." });
    expect(move(halted, { batchOpen: 0 }, 1e9)).toBe(halted);
  });

  it("goes on after a halt when it is told to, and forgives what failed until then", () => {
    const look = { ...LOOK, waveFailed: 2, failed: 2 };
    const resumed = commandFleet({ ...RUNNING, status: "halted" }, "resume", look);
    expect(resumed).toMatchObject({ status: "running", forgiven: { wave: 2, all: 2 } });
    if (resumed === undefined) return;
    expect(move(resumed, look).status).toBe("running");
    expect(move(resumed, { ...look, failed: 4, waveFailed: 3 }).status).toBe("halted");
  });

  it("is cancelled or taken back when what runs has ended", () => {
    const cancelling = commandFleet(RUNNING, "cancel", LOOK) ?? PLANNED;
    expect(move(cancelling, {}).status).toBe("cancelling");
    expect(move(cancelling, { moving: 0 }).status).toBe("cancelled");
    const back = commandFleet({ ...RUNNING, status: "halted" }, "rollback", LOOK) ?? PLANNED;
    expect(move(back, { moving: 0, toReturn: 1 }).status).toBe("rolling-back");
    expect(move(back, { moving: 0, toReturn: 0 }).status).toBe("rolled-back");
  });

  it("tries again what could not be taken back", () => {
    const state = { ...RUNNING, status: "rolled-back" } as const;
    expect(commandFleet(state, "rollback", { ...LOOK, keptBack: 2 })?.status).toBe("rolling-back");
  });

  it.each([
    ["running", "resume"],
    ["done", "resume"],
    ["done", "cancel"],
    ["cancelled", "cancel"],
    ["planned", "rollback"],
    ["rolled-back", "rollback"],
  ] as const)("that is %s has no use for %s", (status, command) => {
    expect(commandFleet({ ...RUNNING, status }, command, LOOK)).toBeUndefined();
  });
});
