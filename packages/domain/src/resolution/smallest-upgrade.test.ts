import fc from "fast-check";
import Logic from "logic-solver";
import { describe, expect, it } from "vitest";
import { compareVersions, type Version } from "../versions/version.ts";
import { satisfiesRange, type VersionRange } from "../versions/version-range.ts";
import { createModuleUniverse, type ModuleRelease } from "./module-universe.ts";
import { findSmallestUpgrade, type UpgradeAnswer } from "./smallest-upgrade.ts";
import { releasesOf, versionsOf } from "./testing/module-world.ts";
import { brokenDependencies, type ModuleVersions } from "./upgrade-order.ts";

function ask(
  world: Record<string, Record<string, string>>,
  installed: Record<string, string>,
  wanted: Record<string, string> = {},
): UpgradeAnswer {
  const ranges = new Map(Object.entries(wanted)) as ReadonlyMap<string, string>;
  return findSmallestUpgrade({
    releases: releasesOf(world),
    installed: versionsOf(installed),
    wanted: ranges as Parameters<typeof findSmallestUpgrade>[0]["wanted"],
  });
}

function movesOf({ moves }: UpgradeAnswer): string[] | undefined {
  return moves?.map(({ module, from, to }) => `${module} ${from ?? "none"} to ${to}`);
}

describe("modules that go together", () => {
  it("stay as they are", () => {
    const world = { "a 1.0.0": { b: ">=1.0.0" }, "b 1.0.0": {}, "b 2.0.0": {} };
    expect(ask(world, { a: "1.0.0", b: "1.0.0" })).toEqual({
      explanation: [],
      versions: versionsOf({ a: "1.0.0", b: "1.0.0" }),
      moves: [],
    });
  });
});

// The first five worlds are those with which PubGrub is described in the documentation of Dart's pub.
describe("PubGrub", () => {
  it("needs no second try without conflicts", () => {
    const world = { "foo 1.0.0": { bar: "^1.0.0" }, "bar 1.0.0": {}, "bar 2.0.0": {} };
    expect(ask(world, {}, { foo: "*" }).versions).toEqual(versionsOf({ foo: "1.0.0", bar: "1.0.0" }));
  });

  it("avoids a conflict while it chooses", () => {
    const world = {
      "foo 1.1.0": { bar: "^2.0.0" },
      "foo 1.0.0": {},
      "bar 1.0.0": {},
      "bar 1.1.0": {},
      "bar 2.0.0": {},
    };
    expect(ask(world, {}, { foo: "^1.0.0", bar: "^1.0.0" }).versions).toEqual(
      versionsOf({ foo: "1.0.0", bar: "1.1.0" }),
    );
  });

  it("resolves a conflict", () => {
    const world = { "foo 2.0.0": { bar: "^1.0.0" }, "foo 1.0.0": {}, "bar 1.0.0": { foo: "^1.0.0" } };
    expect(ask(world, {}, { foo: ">=1.0.0" }).versions).toEqual(versionsOf({ foo: "1.0.0" }));
  });

  it("resolves a conflict with a partial satisfier", () => {
    const world = {
      "foo 1.1.0": { left: "^1.0.0", right: "^1.0.0" },
      "foo 1.0.0": {},
      "left 1.0.0": { shared: ">=1.0.0" },
      "right 1.0.0": { shared: "<2.0.0" },
      "shared 2.0.0": {},
      "shared 1.0.0": { target: "^1.0.0" },
      "target 2.0.0": {},
      "target 1.0.0": {},
    };
    expect(ask(world, {}, { foo: "^1.0.0", target: "^2.0.0" }).versions).toEqual(
      versionsOf({ foo: "1.0.0", target: "2.0.0" }),
    );
  });

  it("explains a linear failure", () => {
    const world = { "foo 1.0.0": { bar: "^2.0.0" }, "bar 2.0.0": { baz: "^3.0.0" }, "baz 1.0.0": {}, "baz 3.0.0": {} };
    expect(ask(world, {}, { foo: "^1.0.0", baz: "^1.0.0" })).toEqual({
      explanation: [
        "Because foo 1.0.0 needs bar ^2.0.0 and bar 2.0.0 needs baz ^3.0.0, foo 1.0.0 needs baz 3.0.0.",
        "And because foo ^1.0.0 is wanted, baz 3.0.0 is needed.",
        "And because baz ^1.0.0 is wanted, there is no solution.",
      ],
      versions: undefined,
      moves: undefined,
    });
  });

  it("explains a branching failure, with numbers for what is needed later", () => {
    const world = {
      "foo 1.0.0": { a: "^1.0.0", b: "^1.0.0" },
      "foo 1.1.0": { x: "^1.0.0", y: "^1.0.0" },
      "a 1.0.0": { b: "^2.0.0" },
      "b 1.0.0": {},
      "b 2.0.0": {},
      "x 1.0.0": { y: "^2.0.0" },
      "y 1.0.0": {},
      "y 2.0.0": {},
    };
    const { explanation, versions } = ask(world, {}, { foo: "^1.0.0" });
    expect(versions).toBeUndefined();
    expect(explanation.at(-1)).toContain("there is no solution");
    expect(explanation.join("\n")).toMatch(/\(1\)\.[^]*\(1\)/);
  });
});

describe("a tenant whose modules can't be as they are wanted", () => {
  const world = {
    "accounting 1.0.0": {},
    "accounting 2.0.0": { crm: ">=3.0.0" },
    "crm 2.0.0": { accounting: "<2.0.0" },
    "crm 3.0.0": { accounting: ">=1.0.0" },
    "billing 1.0.0": { crm: "<3.0.0" },
    "billing 1.1.0": { crm: ">=2.0.0" },
    "mail 1.0.0": {},
    "mail 2.0.0": {},
  };
  const installed = { accounting: "1.0.0", crm: "2.0.0", billing: "1.0.0", mail: "1.0.0" };

  it("is told why, which fewest modules to move, and in which order", () => {
    const answer = ask(world, installed, { accounting: ">=2.0.0" });
    expect(answer.versions).toEqual(versionsOf({ accounting: "2.0.0", crm: "3.0.0", billing: "1.1.0", mail: "1.0.0" }));
    expect(movesOf(answer)).toEqual(["billing 1.0.0 to 1.1.0", "crm 2.0.0 to 3.0.0", "accounting 1.0.0 to 2.0.0"]);
    expect(answer.explanation).toEqual([
      "Because accounting >=2.0.0 is wanted and accounting stays at 1.0.0, there is no solution.",
    ]);
  });

  it("is told of modules that would have to move in one moment", () => {
    const both = { "a 1.0.0": { b: "1.0.0" }, "a 2.0.0": { b: "2.0.0" }, "b 1.0.0": {}, "b 2.0.0": {} };
    const answer = ask(both, { a: "1.0.0", b: "1.0.0" }, { b: "2.0.0" });
    expect(answer.versions).toEqual(versionsOf({ a: "2.0.0", b: "2.0.0" }));
    expect(answer.moves).toBeUndefined();
  });

  it("stops at a version in between where that is the only way", () => {
    const stops = {
      "a 1.0.0": { b: "<=2.0.0" },
      "a 2.0.0": { b: ">=2.0.0" },
      "b 1.0.0": { a: "1.0.0" },
      "b 2.0.0": {},
      "b 3.0.0": { a: ">=2.0.0" },
    };
    expect(movesOf(ask(stops, { a: "1.0.0", b: "1.0.0" }, { b: "3.0.0" }))).toEqual([
      "b 1.0.0 to 2.0.0",
      "a 1.0.0 to 2.0.0",
      "b 2.0.0 to 3.0.0",
    ]);
  });

  it("is told of a module that nobody published", () => {
    const { explanation, versions } = ask({ "a 1.0.0": { ghost: "*" } }, {}, { a: "*" });
    expect(versions).toBeUndefined();
    expect(explanation).toEqual([
      "Because a 1.0.0 needs ghost * (of which no version is published) and a * is wanted, there is no solution.",
    ]);
    expect(ask({}, {}, { ghost: "*" }).explanation).toEqual(["Ghost * is wanted, so there is no solution."]);
  });
});

const NAMES = ["a", "b", "c", "d", "e"] as const;
const RANGES = ["*", "1.0.0", "2.0.0", ">=2.0.0", "<=2.0.0", "<2.0.0", ">=3.0.0", "1.0.0 || 3.0.0"] as const;

const worlds = fc.record({
  releases: fc
    .uniqueArray(
      fc.record({
        name: fc.tuple(fc.constantFrom(...NAMES), fc.integer({ min: 1, max: 4 })),
        needs: fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom(...RANGES), { maxKeys: 3 }),
      }),
      { selector: ({ name }) => name.join(), maxLength: 16 },
    )
    .map((all) =>
      Object.fromEntries(
        all.map(({ name: [module, major], needs }) => [
          `${module} ${major}.0.0`,
          Object.fromEntries(Object.entries(needs).filter(([needed]) => needed !== module)),
        ]),
      ),
    ),
  pick: fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }),
  wanted: fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom(...RANGES), { maxKeys: 2 }),
});

/** The fewest modules that must move, by a SAT solver. Null: nothing helps. */
function bySat(
  releases: readonly ModuleRelease[],
  installed: ModuleVersions,
  wanted: ReadonlyMap<string, string>,
): number | null {
  const solver = new Logic.Solver();
  const id = (module: string, version: string): string => `${module}@${version}`;
  const of = (module: string, holds: (version: Version) => boolean): string[] =>
    releases.flatMap((one) => (one.module === module && holds(one.version) ? [id(module, one.version)] : []));
  for (const name of NAMES) solver.require(Logic.atMostOne(of(name, () => true)));
  for (const { module, version, dependencies } of releases) {
    for (const [needs, range] of dependencies) {
      const good = of(needs, (one) => satisfiesRange(one, range));
      solver.require(Logic.implies(id(module, version), Logic.or(good)));
    }
  }
  for (const [module, version] of installed) {
    solver.require(Logic.or(of(module, (one) => compareVersions(one, version) >= 0)));
  }
  for (const [module, range] of wanted) {
    solver.require(Logic.or(of(module, (one) => satisfiesRange(one, range as VersionRange))));
  }
  const solution = solver.solve();
  if (solution === null) return null;
  const moved = [...installed].map(([module, version]) => Logic.not(id(module, version)));
  const best = moved.length === 0 ? solution : solver.minimizeWeightedSum(solution, moved, 1);
  const chosen = new Set(best.getTrueVars());
  return [...installed].filter(([module, version]) => !chosen.has(id(module, version))).length;
}

it("agrees with a SAT solver on what can be solved, and with how few moves", () => {
  fc.assert(
    fc.property(worlds, ({ releases: world, pick, wanted: wishes }) => {
      const releases = releasesOf(world);
      const universe = createModuleUniverse(releases);
      const installed = new Map(
        universe.modules.flatMap((module, index) => {
          const versions = universe.versions(module);
          const chosen = versions[(pick[index] ?? 0) % (versions.length + 1)];
          return chosen === undefined ? [] : [[module, chosen] as const];
        }),
      );
      const wanted = new Map(Object.entries(wishes)) as unknown as Parameters<typeof findSmallestUpgrade>[0]["wanted"];
      const answer = findSmallestUpgrade({ releases, installed, wanted });
      const { versions, moves, explanation } = answer;
      const moved = versions && [...installed].filter(([module, version]) => versions.get(module) !== version).length;
      expect(moved ?? null).toBe(bySat(releases, installed, wanted));
      expect(explanation.length > 0).toBe(moved === undefined || moved > 0);
      expect(versions === undefined ? [] : brokenDependencies(versions, universe)).toEqual([]);
      // Every state on the way breaks nothing that held before, and the last one is what was asked for.
      const broken = (state: ModuleVersions): string[] =>
        brokenDependencies(state, universe).map(({ module, needs }) => `${module} ${needs}`);
      const before = new Set(broken(installed));
      const states = (moves ?? []).map((_, index) => {
        const done = (moves ?? []).slice(0, index + 1);
        return new Map([...installed, ...done.map(({ module, to }) => [module, to] as const)]);
      });
      expect(states.flatMap(broken).filter((one) => !before.has(one))).toEqual([]);
      expect(moves === undefined || moves.length === 0 ? versions : states.at(-1)).toEqual(versions);
    }),
    { numRuns: 400 },
  );
});
