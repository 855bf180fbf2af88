import type { UpgradeAdvice } from "@aibos/contract";
import type { Colors } from "./colors.ts";
import { oneLine } from "./plain-text.ts";

/** Why modules don't go together, and what would settle it. */
export function adviceText({ explanation, versions, moves }: UpgradeAdvice, colors: Colors): string {
  const why = explanation.map((sentence) => `  ${oneLine(sentence)}`);
  if (versions === null) {
    return [colors.red("No set of upgrades settles it:"), ...why].join("\n");
  }
  if (moves === null) {
    const all = Object.entries(versions).map(([module, version]) => `${module} ${version}`);
    const how = `  These would have to be there in one moment, which no order of single upgrades reaches: ${all.join(", ")}.`;
    return [colors.yellow("The tenant's modules don't go together:"), ...why, oneLine(how)].join("\n");
  }
  const steps = moves.map(({ module, from, to }, index) => {
    const move = from === null ? `install ${module} ${to}` : `${module} ${from} → ${to}`;
    return `  ${index + 1}. ${oneLine(move)}`;
  });
  return [
    colors.yellow("The tenant's modules don't go together:"),
    ...why,
    "The fewest upgrades that settle it, in this order:",
    ...steps,
  ].join("\n");
}
