import type { Command } from "commander";
import type { Leftover } from "@aibos/contract";
import type { Run } from "./command-context.ts";
import { withExample } from "./help-example.ts";

const OUTCOMES: Readonly<Record<Leftover["outcome"], string>> = {
  found: "would be removed",
  removed: "removed",
  kept: "kept",
};

/** `cleanup`: removes what nobody needs. */
export function addCleanupCommand(program: Command, run: Run): void {
  withExample(
    program
      .command("cleanup")
      .description(
        "Removes what nobody needs any more: copies of used-up rollback points, views of versions that are not live, archives of releases past their end of life. Says what and why; repeating it is safe.",
      )
      .option("--dry-run", "lists what would be removed, and removes nothing"),
    "cleanup --dry-run",
    "cleanup",
  ).action(({ dryRun = false }: { dryRun?: boolean }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const client = await connect();
      const report = await client.cleanup({ dryRun });
      const { renderTable } = await import("../output/table.ts");
      const { sizeText } = await import("../output/size-text.ts");
      await output.answer(report, () => {
        const { leftovers, bytes, more } = report;
        if (leftovers.length === 0) return "There is nothing to clean up.";
        const table = renderTable(
          leftovers,
          [
            { title: "what", cell: (row) => row.kind },
            { title: "name", cell: (row) => row.name, whole: true },
            { title: "size", cell: (row) => sizeText(row.bytes), align: "right" },
            { title: "why", cell: (row) => row.why },
            { title: "", cell: (row) => OUTCOMES[row.outcome] + (row.keptBecause ? `: ${row.keptBecause}` : "") },
          ],
          output,
        );
        const end = more ? "\nThere is more: clean up again." : "";
        return `${table}\n${sizeText(bytes)} ${dryRun ? "would be freed" : "freed"}.${end}`;
      });
    }),
  );
}
