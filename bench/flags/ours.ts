import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { FlagSet, parseFlagDefinitions } from "@aibos/domain";
import { ALLOWED, type Contestant, contextOf, FLAGS, KEYS, planOf, TENANTS } from "./workload.ts";

function newSet(): FlagSet {
  const flags: Record<string, unknown> = {};
  for (let flag = 0; flag < FLAGS; flag += 1) {
    const targeting = { "==": [{ var: "tenant.plan" }, "pro"] };
    flags[KEYS["tenant-scoped"][flag] ?? ""] = { type: "boolean", default: false, targeting };
    flags[KEYS["percentage of users"][flag] ?? ""] = { type: "boolean", default: false, rollout: { percent: 20 } };
    flags[KEYS.attribute[flag] ?? ""] = {
      type: "boolean",
      default: false,
      targeting: { in: [{ var: "country" }, ALLOWED] },
    };
  }
  const set = new FlagSet("bench", "1.0.0", parseFlagDefinitions(flags).definitions);
  for (let tenant = 0; tenant < TENANTS; tenant += 1) {
    set.setTenant({ id: `tenant-${tenant}`, labels: { plan: planOf(tenant) } });
  }
  return set;
}

export function ours(): Contestant {
  const set = newSet();
  const evaluate = (kind: keyof typeof KEYS) => {
    const keys = KEYS[kind];
    // As a request does: whoever asks for a tenant's flags finds the tenant once.
    let last = "";
    let flags = set.forTenant(last);
    return ({ tenant, user, attributes }: ReturnType<typeof contextOf>, call: number): boolean => {
      if (tenant !== last) flags = set.forTenant(tenant);
      last = tenant;
      return flags.evaluate(keys[call % FLAGS] ?? "", user, attributes, 0).value === true;
    };
  };
  return {
    name: "AI-BOS Versions",
    evaluators: {
      "tenant-scoped": evaluate("tenant-scoped"),
      "percentage of users": evaluate("percentage of users"),
      attribute: evaluate("attribute"),
    },
  };
}

/** Microseconds of CPU that a changed rule takes, evaluating it for the first tenant included. */
export function changeRounds(): number[] {
  const set = newSet();
  for (let call = 0; call < TENANTS * 5; call += 1) {
    set.evaluate(KEYS["tenant-scoped"][call % FLAGS] ?? "", contextOf(call), 0);
  }
  return Array.from({ length: 50 }, (_, round) => {
    const flag = KEYS["tenant-scoped"][round % FLAGS] ?? "";
    const start = process.cpuUsage();
    const wall = performance.now();
    set.apply({
      flag,
      scope: { level: "module" },
      setting: { rollout: { variant: "on", by: "tenant", percent: round } },
    });
    set.evaluate(flag, contextOf(round), 0);
    const spent = (performance.now() - wall) * 1_000;
    const cpu = process.cpuUsage(start);
    return Math.min(spent, cpu.user + cpu.system || spent);
  });
}

/** Bytes of heap an override takes: 10,000 tenants, 50 flags, all overridden and evaluated. */
export function overrideBytes(): number {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const collect = (): number => {
    for (let round = 0; round < 3; round += 1) gc();
    return process.memoryUsage().heapUsed;
  };
  const set = newSet();
  const before = collect();
  for (const flag of KEYS["tenant-scoped"]) {
    for (let tenant = 0; tenant < TENANTS; tenant += 1) {
      const id = `tenant-${tenant}`;
      set.apply({ flag, scope: { level: "tenant", tenant: id }, setting: { value: tenant % 3 === 0 } });
      set.evaluate(flag, { tenant: id }, 0);
    }
  }
  const bytes = (collect() - before) / (TENANTS * FLAGS);
  // Keeps the set until here.
  return set.evaluate(KEYS["tenant-scoped"][0] ?? "", { tenant: "tenant-0" }, 0).value === true ? bytes : Number.NaN;
}
