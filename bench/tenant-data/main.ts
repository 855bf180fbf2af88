import { parseArgs } from "node:util";
import { type Bar, describeBar, type Extent } from "./bar.ts";

// What the tenant data engine costs, each part against the plain way: `npm run bench -- tenant-data [part…]`. Ours and the
// peer's take turns in one run. `--short` tries once on little that everything works, in less than a minute, and fails if it
// does not; `--long` adds backups of 2 GB.

const PARTS: Readonly<Record<string, () => Promise<{ measure(extent: Extent): Promise<Bar[]> }>>> = {
  "rollback-point": () => import("./rollback-point.ts"),
  "live-writes": () => import("./live-writes.ts"),
  backfill: () => import("./backfill.ts"),
  backup: () => import("./backup.ts"),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: "boolean", default: false }, long: { type: "boolean", default: false } },
});
const unknown = positionals.filter((part) => !Object.hasOwn(PARTS, part));

if (unknown.length > 0) {
  console.error(`There is no part "${unknown.join('", "')}". Parts: ${Object.keys(PARTS).join(", ")}.`);
  process.exitCode = 2;
} else {
  const extent = values.short ? "short" : values.long ? "long" : "usual";
  const bars: Bar[] = [];
  for (const [name, load] of Object.entries(PARTS)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const part = await load();
    bars.push(...(await part.measure(extent)));
    console.log();
  }
  if (extent === "short") {
    console.log("Everything works. Run without --short for figures.");
  } else {
    console.log("Bars, of medians (p10 to p90):");
    for (const bar of bars) console.log(describeBar(bar));
  }
}
