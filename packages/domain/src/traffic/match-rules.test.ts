import { describe, expect, it } from "vitest";
import { compileRules, type MatchRule, type RequestFacts, type Segments } from "./match-rules.ts";

const everything = () => true;
const request = (part: Partial<RequestFacts> = {}): RequestFacts => ({
  userKey: "ada",
  slot: 5_000,
  path: "/",
  header: () => undefined,
  cookie: () => undefined,
  ...part,
});
const header = (name: string, value: string) => ({ header: (asked: string) => (asked === name ? value : undefined) });
const meets = (when: MatchRule["when"], part: Partial<RequestFacts>, segments: Segments = {}): boolean =>
  compileRules([{ when, version: "2.0.0" }], segments)(request(part), everything) === "2.0.0";

describe("a rule", () => {
  it.each<[string, MatchRule["when"][number], Partial<RequestFacts>, boolean]>([
    ["a header that is there", { kind: "header", name: "x-canary" }, header("x-canary", ""), true],
    ["a header that is not there", { kind: "header", name: "x-canary" }, {}, false],
    ["a header's value", { kind: "header", name: "x-plan", value: "gold" }, header("x-plan", "gold"), true],
    ["no other value", { kind: "header", name: "x-plan", value: "gold" }, header("x-plan", "Gold"), false],
    ["an empty value", { kind: "header", name: "x-plan", value: "" }, header("x-plan", "gold"), false],
    ["a cookie", { kind: "cookie", name: "beta", value: "1" }, { cookie: () => "1" }, true],
    ["no cookie of another value", { kind: "cookie", name: "beta", value: "1" }, { cookie: () => "0" }, false],
    ["a path", { kind: "path", prefix: "/reports" }, { path: "/reports" }, true],
    ["a path with a query", { kind: "path", prefix: "/reports" }, { path: "/reports?a=/" }, true],
    ["a path below", { kind: "path", prefix: "/reports" }, { path: "/reports/1" }, true],
    ["no path that only begins so", { kind: "path", prefix: "/reports" }, { path: "/reports-old" }, false],
    ["no query that looks like a path", { kind: "path", prefix: "/reports" }, { path: "/?/reports" }, false],
    ["all paths", { kind: "path", prefix: "/" }, { path: "/x" }, true],
    ["a path that ends with a slash", { kind: "path", prefix: "/a/" }, { path: "/a/b" }, true],
    ["a user of a list", { kind: "users", users: ["grace", "ada"] }, {}, true],
    ["no other user", { kind: "users", users: ["grace"] }, {}, false],
    ["the last slot of a share", { kind: "percent", percent: 50.01 }, { slot: 5_000 }, true],
    ["no slot behind a share", { kind: "percent", percent: 50 }, { slot: 5_000 }, false],
    ["nobody at 0 percent", { kind: "percent", percent: 0 }, { slot: 0 }, false],
    ["everybody at 100 percent", { kind: "percent", percent: 100 }, { slot: 9_999 }, true],
  ])("takes %s", (_, condition, facts, expected) => {
    expect(meets([condition], facts)).toBe(expected);
  });

  it("takes a request that meets all of its conditions, and none that misses one", () => {
    const when: MatchRule["when"] = [
      { kind: "users", users: ["ada"] },
      { kind: "path", prefix: "/reports" },
    ];
    expect(meets(when, { path: "/reports" })).toBe(true);
    expect(meets(when, { path: "/reports", userKey: "bob" })).toBe(false);
    expect(meets(when, { path: "/" })).toBe(false);
  });

  it("takes a segment's requests, which meet any of its conditions", () => {
    const segments: Segments = {
      beta: [
        { kind: "users", users: ["ada"] },
        { kind: "header", name: "x-beta" },
      ],
      constructor: [],
    };
    const when: MatchRule["when"] = [{ kind: "segment", segment: "beta" }];
    expect(meets(when, {}, segments)).toBe(true);
    expect(meets(when, { userKey: "bob", ...header("x-beta", "yes") }, segments)).toBe(true);
    expect(meets(when, { userKey: "bob" }, segments)).toBe(false);
    for (const segment of ["constructor", "toString", "__proto__", "unknown"]) {
      expect(meets([{ kind: "segment", segment }], {}, segments)).toBe(false);
    }
  });

  it("is passed over while its version does not serve, and the next one is asked", () => {
    const rules = compileRules(
      [
        { when: [], version: "3.0.0" },
        { when: [], version: "2.0.0" },
        { when: [], version: "1.0.0" },
      ],
      {},
    );
    expect(rules(request(), (version) => version !== "3.0.0")).toBe("2.0.0");
    expect(rules(request(), everything)).toBe("3.0.0");
    expect(rules(request(), () => false)).toBeUndefined();
  });
});
