import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseModuleId } from "../identifiers/module-id.ts";
import { parseRange, satisfiesRange } from "../versions/version-range.ts";
import { compareVersions, parseVersion, type Version } from "../versions/version.ts";
import { findUpgradePath } from "./find-upgrade-path.ts";
import { NoUpgradePathError } from "./no-upgrade-path-error.ts";
import { buildUpgradeGraph, type Risk, type UpgradeGraph, type UpgradeRelease } from "./upgrade-graph.ts";

const module = parseModuleId("accounting");

interface Written {
  readonly from?: string;
  readonly stop?: boolean;
  readonly risk?: Risk;
  readonly blocked?: Readonly<Record<string, string>>;
}

function release(version: string, { from, stop = false, risk, blocked = {} }: Written = {}): UpgradeRelease {
  return {
    version: parseVersion(version),
    from: from === undefined ? null : parseRange(from),
    requiredStop: stop,
    risk: risk ?? null,
    blocked: Object.entries(blocked).map(([range, reason]) => ({ from: parseRange(range), reason })),
  };
}

function pathOf(releases: readonly UpgradeRelease[], from: string, to: string): Version[] {
  return findUpgradePath(buildUpgradeGraph(module, releases), parseVersion(from), parseVersion(to));
}

describe("the best upgrade path", () => {
  it("is the direct upgrade where nothing speaks against it", () => {
    const releases = [release("1.0.0"), release("1.0.1", { from: "*" }), release("1.0.2", { from: "*" })];
    expect(pathOf(releases, "1.0.0", "1.0.2")).toEqual(["1.0.0", "1.0.2"]);
  });

  it("stays where it is when both ends are the same, even one that accepts nothing", () => {
    expect(pathOf([release("1.0.0")], "1.0.0", "1.0.0")).toEqual(["1.0.0"]);
  });

  it("stops at every required stop, however good the way around it is", () => {
    const releases = [
      release("1.0.0"),
      release("1.5.0", { from: "*", stop: true, risk: "high" }),
      release("1.7.0", { from: "*", stop: true, risk: "high" }),
      release("2.0.0", { from: "*", risk: "low" }),
    ];
    expect(pathOf(releases, "1.0.0", "2.0.0")).toEqual(["1.0.0", "1.5.0", "1.7.0", "2.0.0"]);
    expect(pathOf(releases, "1.5.0", "2.0.0")).toEqual(["1.5.0", "1.7.0", "2.0.0"]);
  });

  it("prefers less risk to fewer hops", () => {
    const releases = [
      release("1.0.0"),
      release("1.5.0", { from: "*", risk: "low" }),
      release("2.0.0", { from: "1.5.0", risk: "low" }),
      release("3.0.0", { from: "*", risk: "high" }),
      release("3.1.0", { from: "2.0.0 || 3.0.0", risk: "low" }),
    ];
    expect(pathOf(releases, "1.0.0", "3.1.0")).toEqual(["1.0.0", "1.5.0", "2.0.0", "3.1.0"]);
  });

  it("prefers fewer hops at the same risk, and then newer stops", () => {
    const releases = [
      release("1.0.0"),
      release("1.1.0", { from: "1.0.0", risk: "low" }),
      release("1.2.0", { from: "1.1.0", risk: "low" }),
      release("1.3.0", { from: "1.0.0", risk: "low" }),
      release("1.4.0", { from: "1.0.0", risk: "low" }),
      release("2.0.0", { from: "1.2.0 || 1.3.0 || 1.4.0", risk: "medium" }),
    ];
    expect(pathOf(releases, "1.0.0", "2.0.0")).toEqual(["1.0.0", "1.4.0", "2.0.0"]);
  });

  it("takes the risk that version numbers imply where a manifest says none", () => {
    const releases = [
      release("1.0.0"),
      release("1.1.0", { from: "*" }),
      release("2.0.0", { from: "*" }),
      release("2.0.1", { from: "*" }),
    ];
    const graph = buildUpgradeGraph(module, releases);
    expect(graph.incoming.map((edges) => edges.map(({ from, risk }) => [from, risk]))).toEqual([
      [],
      [[0, 4]],
      [
        [0, 16],
        [1, 16],
      ],
      [
        [0, 16],
        [1, 16],
        [2, 1],
      ],
    ]);
  });

  it("goes around a blocked edge", () => {
    const releases = [
      release("1.0.0"),
      release("1.5.0", { from: "*" }),
      release("2.0.0", { from: "*", blocked: { "1.0.x": "amounts are rounded wrongly" } }),
    ];
    expect(pathOf(releases, "1.0.0", "2.0.0")).toEqual(["1.0.0", "1.5.0", "2.0.0"]);
  });

  it.each(["1.x", "^1", "~1.0", "1", "1.0 - 1.9", "*", "<1.0.0 || >1.0.0-alpha"])(
    "leaves a prerelease by a range %s that holds it",
    (range) => {
      const releases = [release("1.0.0-rc.1"), release("2.0.0", { from: range })];
      expect(pathOf(releases, "1.0.0-rc.1", "2.0.0")).toEqual(["1.0.0-rc.1", "2.0.0"]);
    },
  );

  it("leaves the oldest version there can be", () => {
    expect(pathOf([release("0.0.0-0"), release("0.0.0", { from: "*" })], "0.0.0-0", "0.0.0")).toHaveLength(2);
  });
});

describe("a target that can't be reached", () => {
  it("that blocks the start is explained by the reason of the block", () => {
    const releases = [
      release("1.0.0"),
      release("2.0.0", { from: ">=1.0.0", blocked: { "<1.5.0": "amounts are rounded wrongly" } }),
    ];
    expect(() => pathOf(releases, "1.0.0", "2.0.0")).toThrow(
      "accounting can't go from 1.0.0 to 2.0.0: 2.0.0 accepts >=1.0.0, but 2.0.0 is blocked from 1.0.0: " +
        "amounts are rounded wrongly.",
    );
  });

  it("is explained by the block in the middle of the way", () => {
    const releases = [
      release("1.0.0"),
      release("1.5.0", { from: "1.0.0", blocked: { "1.0.0": "it loses attachments" } }),
      release("2.0.0", { from: ">=1.5.0" }),
    ];
    expect(() => pathOf(releases, "1.0.0", "2.0.0")).toThrow(
      "accounting can't go from 1.0.0 to 2.0.0: 2.0.0 accepts >=1.5.0; nothing leads from 1.0.0 to >=1.5.0 because " +
        "1.5.0 is blocked from 1.0.0: it loses attachments.",
    );
  });

  it("is explained by the block at its end, when the way there is free", () => {
    const releases = [
      release("1.0.0"),
      release("1.5.0", { from: "1.0.0" }),
      release("2.0.0", { from: ">=1.5.0", blocked: { "1.5.0": "it loses attachments" } }),
    ];
    expect(() => pathOf(releases, "1.0.0", "2.0.0")).toThrow(
      "because 2.0.0 is blocked from 1.5.0: it loses attachments.",
    );
  });

  it("is explained by what it accepts, when there is no such release", () => {
    const releases = [release("1.0.0"), release("1.5.0", { from: "*" }), release("3.0.0", { from: "2.x" })];
    expect(() => pathOf(releases, "1.0.0", "3.0.0")).toThrow(
      "3.0.0 accepts 2.x, and no release between 1.0.0 and 3.0.0 is one of those.",
    );
  });

  it("is explained by what its sources accept", () => {
    const releases = [
      release("1.0.0"),
      release("1.1.0"),
      release("1.5.0", { from: "1.1.0" }),
      release("2.0.0", { from: "1.5.0" }),
    ];
    expect(() => pathOf(releases, "1.0.0", "2.0.0")).toThrow(
      "2.0.0 accepts 1.5.0; nothing leads from 1.0.0 to 1.5.0 because 1.5.0 accepts 1.1.0 only.",
    );
  });

  it("is explained by the required stop that can't be reached", () => {
    const releases = [release("1.0.0"), release("1.5.0", { stop: true }), release("2.0.0", { from: "*" })];
    expect(() => pathOf(releases, "1.0.0", "2.0.0")).toThrow(
      "2.0.0 accepts *, but 1.0.0 → 2.0.0 would miss the required stop 1.5.0.",
    );
  });

  it("that accepts no upgrades says so", () => {
    expect(() => pathOf([release("1.0.0"), release("2.0.0")], "1.0.0", "2.0.0")).toThrow(
      "2.0.0 accepts no upgrades; it can only be installed.",
    );
  });

  it("that is older is refused with the way to go back", () => {
    const releases = [release("1.0.0"), release("2.0.0", { from: "*" })];
    expect(() => pathOf(releases, "2.0.0", "1.0.0")).toThrow(
      expect.objectContaining({
        code: "AIBOS_NO_UPGRADE_PATH",
        from: "2.0.0",
        to: "1.0.0",
        explanation: "1.0.0 is older than 2.0.0; upgrades lead forward only. To go back, roll back instead.",
      }),
    );
  });

  it("that is unknown is named, be it the start or the end", () => {
    const releases = [release("1.0.0")];
    expect(() => pathOf(releases, "1.0.0", "2.0.0")).toThrow(new RangeError("2.0.0 is no release of accounting."));
    expect(() => pathOf(releases, "0.9.0", "1.0.0")).toThrow(new RangeError("0.9.0 is no release of accounting."));
  });

  it("is explained in a few reasons, however many there are", () => {
    const middle = Array.from({ length: 50 }, (_, n) => release(`1.${n + 1}.0`, { from: "0.x" }));
    const releases = [release("1.0.0"), ...middle, release("2.0.0", { from: ">=1.1.0" })];
    expect(() => pathOf(releases, "1.0.0", "2.0.0")).toThrow(
      "because 1.1.0 accepts 0.x only; 1.2.0 accepts 0.x only; 1.3.0 accepts 0.x only; and 47 more.",
    );
  });
});

describe("against a search of all ways", () => {
  const VERSIONS = ["1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0-rc.1", "1.1.0", "1.2.0", "2.0.0-rc.1", "2.0.0", "2.1.0"];
  const range = fc.constantFrom(
    "*",
    "1.x",
    "^1.0.0",
    "~1.0",
    "1.0.0 || 1.1.0",
    ">=1.1.0",
    "<1.1.0",
    ">1.0.0",
    "2",
    "1.0.0-rc.1",
    "=1.2.0",
  );
  const releases = fc.tuple(
    ...VERSIONS.map((version) =>
      fc
        .record(
          {
            from: range,
            stop: fc.nat(5).map((die) => die === 0),
            risk: fc.constantFrom<Risk>("low", "medium", "high"),
            blocked: range.map((blocked) => ({ [blocked]: "it is wrong" })),
          },
          { requiredKeys: ["stop"] },
        )
        .map((written) => release(version, written)),
    ),
  );
  const orders = fc.array(fc.integer(), { minLength: VERSIONS.length, maxLength: VERSIONS.length });

  it("the path is the best one, and there is one whenever there is any, in whatever order releases came", () => {
    let found = 0;
    fc.assert(
      fc.property(releases, orders, fc.nat(VERSIONS.length - 1), fc.nat(VERSIONS.length - 1), (all, order, a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)].map((at) => parseVersion(VERSIONS[at] ?? "")) as [
          Version,
          Version,
        ];
        const shuffled = all
          .map((one, index) => ({ one, key: order[index] ?? 0 }))
          .toSorted((x, y) => x.key - y.key)
          .map(({ one }) => one);
        const best = bestOf(all, from, to);
        const graph = buildUpgradeGraph(module, shuffled);
        if (best !== undefined) found += 1;
        expect(pathOrNone(graph, from, to)).toEqual(best);
      }),
      { numRuns: 2_000 },
    );
    expect(found).toBeGreaterThan(300);
  });
});

function pathOrNone(graph: UpgradeGraph, from: Version, to: Version): Version[] | undefined {
  try {
    return findUpgradePath(graph, from, to);
  } catch (error) {
    if (error instanceof NoUpgradePathError) return undefined;
    throw error;
  }
}

const RISKS: Record<Risk, number> = { low: 1, medium: 4, high: 16 };

/** All ways by brute force; the best by risk, hops, and the newest stops seen from the end. */
function bestOf(releases: readonly UpgradeRelease[], from: Version, to: Version): Version[] | undefined {
  const sorted = releases.toSorted((a, b) => compareVersions(a.version, b.version));
  const ways: { path: Version[]; risk: number }[] = [];
  function walk(path: Version[], risk: number): void {
    const here = path.at(-1) ?? from;
    if (here === to) {
      ways.push({ path, risk });
      return;
    }
    for (const next of sorted) {
      if (compareVersions(next.version, here) <= 0 || compareVersions(next.version, to) > 0) continue;
      if (next.from === null || !satisfiesRange(here, next.from)) continue;
      if (next.blocked.some((block) => satisfiesRange(here, block.from))) continue;
      const jumped = sorted.filter(
        ({ version }) => compareVersions(here, version) < 0 && compareVersions(version, next.version) < 0,
      );
      if (jumped.some(({ requiredStop }) => requiredStop)) continue;
      walk([...path, next.version], risk + RISKS[next.risk ?? riskByNumbers(here, next.version)]);
    }
  }
  walk([from], 0);
  return ways.toSorted((a, b) => a.risk - b.risk || a.path.length - b.path.length || newerStopsFirst(a.path, b.path))[0]
    ?.path;
}

function newerStopsFirst(a: readonly Version[], b: readonly Version[]): number {
  for (let at = a.length - 1; at >= 0; at -= 1) {
    const order = compareVersions(b[at] ?? a[0]!, a[at] ?? a[0]!);
    if (order !== 0) return order;
  }
  return 0;
}

function riskByNumbers(from: string, to: string): Risk {
  const [major, minor] = from.split(".");
  const [newMajor, newMinor] = to.split(".");
  if (major !== newMajor) return "high";
  return minor === newMinor ? "low" : "medium";
}
