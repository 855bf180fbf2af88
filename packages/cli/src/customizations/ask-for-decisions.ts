import { createInterface } from "node:readline/promises";
import type { CustomizationConflict, MultiVersionService, ResolveConflictInput } from "@aibos/contract";
import { DomainError } from "@aibos/domain";
import type { CommandContext } from "../commands/command-context.ts";
import { conflictPanes, conflictTitle, valueText } from "../output/conflict-panes.ts";
import { oneLine } from "../output/plain-text.ts";
import { editText } from "./edit-text.ts";
import { handMergedValue } from "./hand-merged-value.ts";

export interface DecidedConflict {
  readonly conflict: string;
  readonly resolution: string;
  readonly take: ResolveConflictInput["take"];
}

interface Question {
  readonly module: string;
  readonly scope: Pick<ResolveConflictInput, "tenant" | "author">;
  readonly conflicts: readonly CustomizationConflict[];
}

const CHOICES = "[t] tenant's  [v] vendor's  [e] merge by hand  [s] skip  [q] quit";

/**
 * Goes through conflicts in a terminal, one after the other: shows the three values, waits for a letter, stores the
 * decision. What is refused is asked again; what was skipped stays open.
 */
export async function askForDecisions(
  context: CommandContext,
  client: MultiVersionService,
  { module, scope, conflicts }: Question,
): Promise<DecidedConflict[]> {
  const { output } = context;
  const decided: DecidedConflict[] = [];
  for (const [index, conflict] of conflicts.entries()) {
    output.line();
    output.line(output.colors.bold(`${index + 1} of ${conflicts.length}  ${conflictTitle(conflict)}`));
    output.line(conflictPanes(conflict, output.columns ?? 80, output.colors));
    for (;;) {
      const choice = await ask(`${CHOICES}\n> `);
      if (choice === "q" || choice === undefined) return decided;
      if (choice === "s") break;
      try {
        const decision = await decisionFor(context, conflict, choice);
        if (decision === undefined) continue;
        const { id } = await client.resolveConflict(module, { conflict: conflict.id, ...decision, ...scope });
        decided.push({ conflict: conflict.id, resolution: id, take: decision.take });
        const who = scope.tenant === undefined ? `${conflict.tenants} tenants` : scope.tenant;
        output.line(`${output.colors.green("✔")} ${oneLine(`decided for ${who}`)}`);
        break;
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        output.line(`${output.colors.red("✖")} ${oneLine(error.message)}`);
      }
    }
  }
  return decided;
}

async function decisionFor(
  context: CommandContext,
  conflict: CustomizationConflict,
  choice: string,
): Promise<Pick<ResolveConflictInput, "take" | "value"> | undefined> {
  if (choice === "t") return { take: "tenant" };
  if (choice === "v") return { take: "vendor" };
  if (choice !== "e") return undefined;
  const extension = conflict.kind === "text" ? "txt" : "json";
  const edited = await editText(context, conflictFile(conflict), `${conflict.name}.${extension}`);
  if (MARKERS.test(edited)) {
    context.output.line(
      `${context.output.colors.red("✖")} The lines with <<<<<<<, |||||||, ======= and >>>>>>> are still there.`,
    );
    return undefined;
  }
  return { take: "value", value: handMergedValue(conflict, edited) };
}

const MARKERS = /^(<{7}|\|{7}|={7}|>{7})/m;

/** All three values, with the marks that people know from merging: what stays is the decision. */
function conflictFile({ base, ours, theirs }: CustomizationConflict): string {
  const text = (value: unknown): string => valueText(value).replace(/\n?$/, "\n");
  return `<<<<<<< tenant's\n${text(ours)}||||||| old default\n${text(base)}=======\n${text(theirs)}>>>>>>> new default\n`;
}

/** One answer, in lower case; undefined when the terminal is closed. Line by line: an editor needs the terminal between. */
async function ask(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new Promise<undefined>((resolve) => {
    lines.once("close", () => resolve(undefined));
  });
  try {
    const answer = await Promise.race([lines.question(question), closed]);
    return answer?.trim().toLowerCase().slice(0, 1);
  } finally {
    lines.close();
  }
}
