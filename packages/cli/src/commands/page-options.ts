import type { Command } from "commander";
import type { Page } from "@aibos/contract";
import type { Output } from "../output/output.ts";
import { oneLine } from "../output/plain-text.ts";
import type { Column } from "../output/table.ts";
import { parseLimit } from "./option-values.ts";

/** How much of a list is wanted. */
export interface PageOptions {
  readonly limit?: number;
  readonly cursor?: string;
  readonly all?: boolean;
}

export function pageOptions(command: Command): Command {
  return command
    .option("--limit <n>", "items a page, 1 to 1000 (default: 100)", parseLimit)
    .option("--cursor <cursor>", "goes on where a page before ended")
    .option("--all", "every page");
}

/** Shows a list: one page of it, or all with `--all`. `nothing` is said when it is empty. */
export async function showList<Item>(
  output: Output,
  options: PageOptions,
  read: (page: { cursor?: string; limit?: number }) => Promise<Page<Item>>,
  view: { readonly columns: readonly Column<Item>[]; readonly nothing: string },
): Promise<void> {
  const page = await readPages(options, read);
  await output.answer(page, async () => {
    if (page.items.length === 0) return view.nothing;
    const { renderTable } = await import("../output/table.ts");
    const table = renderTable(page.items, view.columns, output);
    if (page.nextCursor === null) return table;
    return `${table}\n${output.colors.dim(oneLine(`There is more: add --cursor ${page.nextCursor}, or --all.`))}`;
  });
}

/** One page, or all of them. */
export async function readPages<Item>(
  { limit, cursor, all = false }: PageOptions,
  read: (page: { cursor?: string; limit?: number }) => Promise<Page<Item>>,
): Promise<Page<Item>> {
  const size = limit ?? (all ? 1_000 : undefined);
  const items: Item[] = [];
  let next = cursor ?? null;
  for (;;) {
    const page = await read({
      ...(next === null ? {} : { cursor: next }),
      ...(size === undefined ? {} : { limit: size }),
    });
    items.push(...page.items);
    next = page.nextCursor;
    if (!all || next === null) return { items, nextCursor: next };
  }
}
