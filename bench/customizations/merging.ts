import { compileDocumentSchema, type JsonValue, mergeDocument, mergeDocumentText } from "@aibos/domain";
import { spreadOf } from "../spread.ts";
import { type Cost, describeCosts } from "./timed.ts";

const schema = compileDocumentSchema({
  type: "object",
  properties: { items: { type: "array", "x-aibos-merge-key": "id" } },
});
const LEAVES_AN_ITEM = 4;

/** A document of a keyed list; every seventh item differs by side. About 50 bytes a leaf. */
function documentOf(leaves: number, side: number): JsonValue {
  return {
    items: Array.from({ length: leaves / LEAVES_AN_ITEM }, (_, index) => ({
      id: `item-${index}`,
      title: `The title of item ${index} `.padEnd(120, "."),
      more: { mark: index % 7 === side ? side : 0, code: `${index}`.repeat(3) },
    })),
  };
}

/** Merges documents of growing size, whose time a leaf shall stay the same. */
export function merging(rounds: number): void {
  const medians: number[] = [];
  for (const leaves of [5_000, 20_000, 80_000]) {
    const [base, ours, theirs] = [documentOf(leaves, 9), documentOf(leaves, 1), documentOf(leaves, 2)] as const;
    const costs = timesOf(rounds, () => mergeDocument({ base, ours, theirs, schema }));
    const size = (JSON.stringify(base).length / 1e6).toFixed(2);
    medians.push(spreadOf(costs.map(({ cpu }) => cpu)).median / leaves);
    console.log(describeCosts(`merge of ${leaves} leaves, ${size} MB`, costs, leaves === 20_000 ? 150 : undefined));
    if (leaves === 20_000)
      console.log(describeCosts("  with reading and writing JSON", timesOf(rounds, textMerge(base, ours, theirs))));
  }
  const [small = 1, , large = 1] = medians;
  console.log(`CPU a leaf, 80,000 leaves / 5,000 leaves: ${(large / small).toFixed(2)}\n`);
}

function textMerge(...documents: [JsonValue, JsonValue, JsonValue]): () => unknown {
  const [base, ours, theirs] = documents.map((one) => JSON.stringify(one)) as [string, string, string];
  return () => mergeDocumentText({ base, ours, theirs, format: { old: "json", new: "json" }, schema });
}

function timesOf(rounds: number, work: () => unknown): Cost[] {
  const costs: Cost[] = [];
  for (let round = -3; round < rounds; round += 1) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    work();
    const clock = performance.now() - start;
    const used = process.cpuUsage(cpu);
    if (round >= 0) costs.push({ clock, cpu: (used.user + used.system) / 1_000 });
  }
  return costs;
}
