import { z } from "zod";
import type { RolloutAnalysis } from "@aibos/contract";
import type { RolloutWindow } from "@aibos/domain";
import { callOutside } from "../../outside-call.ts";
import type { VersionRollout } from "./rollout-store.ts";

const numbersSchema = z.object({ old: z.number(), new: z.number() });
/** An instant vector of one sample, or a scalar: https://prometheus.io/docs/prometheus/latest/querying/api/ */
const sample = z.tuple([z.number(), z.string()]);
const prometheusSchema = z.object({
  status: z.literal("success"),
  data: z.union([
    z.object({ resultType: z.literal("vector"), result: z.tuple([z.object({ value: sample })]) }),
    z.object({ resultType: z.literal("scalar"), result: sample }),
  ]),
});

export interface CustomMetrics {
  /** The present numbers of both versions, by analysis. One that can't be had now is left out. */
  measure(rollout: VersionRollout): Promise<RolloutWindow["paired"]>;
}

export function createCustomMetrics(): CustomMetrics {
  return {
    async measure(rollout) {
      const found = await Promise.all(
        rollout.policy.analyses.map(async (analysis) => [analysis.name, await numbersOf(analysis, rollout)] as const),
      );
      return Object.fromEntries(found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
    },
  };
}

async function numbersOf(analysis: RolloutAnalysis, rollout: VersionRollout) {
  const { oldVersion, newVersion } = rollout;
  if (analysis.metric === "prometheus") {
    const [old, fresh] = await Promise.all([oldVersion, newVersion].map((v) => askPrometheus(analysis, rollout, v)));
    return old === undefined || fresh === undefined ? undefined : { old, fresh };
  }
  if (analysis.metric !== "webhook") return undefined;
  const { id, module, tenants } = rollout;
  const answer = await callOutside(analysis.url ?? "", {
    rollout: id,
    analysis: analysis.name,
    module,
    tenants,
    oldVersion,
    newVersion,
  });
  const numbers = numbersSchema.safeParse(parseJson(answer));
  return numbers.success ? { old: numbers.data.old, fresh: numbers.data.new } : undefined;
}

async function askPrometheus(
  { url = "", query = "" }: RolloutAnalysis,
  { module, tenants }: VersionRollout,
  version: string,
): Promise<number | undefined> {
  const values: Record<string, string> = { version, module, tenants: tenants.join("|") };
  const asked = query.replace(/\$(version|module|tenants)\b/g, (_, name: string) => values[name] ?? "");
  const address = new URL(`${url.replace(/\/+$/, "")}/api/v1/query`);
  address.searchParams.set("query", asked);
  const answer = prometheusSchema.safeParse(parseJson(await callOutside(address.href)));
  if (!answer.success) return undefined;
  const { data } = answer.data;
  const value = Number(data.resultType === "vector" ? data.result[0].value[1] : data.result[1]);
  return Number.isFinite(value) ? value : undefined;
}

function parseJson(answer: Awaited<ReturnType<typeof callOutside>>): unknown {
  if (answer?.ok !== true) return undefined;
  try {
    return JSON.parse(answer.text);
  } catch {
    return undefined;
  }
}
