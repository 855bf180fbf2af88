import type { Colors } from "./colors.ts";
import { cutTo, padTo, widthOf } from "./display-width.ts";
import { oneLine } from "./plain-text.ts";

/** A column of a table: its heading, its cell for a row, and how that cell looks. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | number | null;
  readonly style?: (cell: string, row: Row) => string;
  readonly align?: "right";
  /** Never cut: what other commands are given. */
  readonly whole?: true;
}

const GAP = "  ";
/** No column is cut to less. */
const NARROWEST = 8;

/**
 * A table without lines. Cells are made harmless and cut so that a row fits `columns`; without that, as in a pipe,
 * nothing is cut.
 */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  screen: { readonly columns: number | undefined; readonly colors: Colors },
): string {
  const cells = rows.map((row) => columns.map(({ cell }) => shown(cell(row))));
  const natural = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...cells.map((line) => widthOf(line[index] ?? ""))),
  );
  const widths = screen.columns === undefined ? natural : fit(natural, screen.columns, columns);

  const lineOf = (texts: readonly string[], style: (text: string, column: number) => string): string =>
    texts
      .map((text, index) => {
        const width = widths[index] ?? 0;
        const cut = cutTo(text, width);
        const styled = style(cut, index);
        const last = index === texts.length - 1;
        if (columns[index]?.align === "right") return " ".repeat(width - widthOf(cut)) + styled;
        return last ? styled : padTo(styled, width);
      })
      .join(GAP)
      .trimEnd();

  const titles = columns.map(({ title }) => title);
  return [
    lineOf(titles, (text) => screen.colors.dim(text)),
    ...rows.map((row, at) => lineOf(cells[at] ?? [], (text, index) => columns[index]?.style?.(text, row) ?? text)),
  ].join("\n");
}

/** Takes columns from the widest ones until all fit. */
function fit(natural: readonly number[], columns: number, kinds: readonly { readonly whole?: true }[]): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1) - columns;
  while (excess > 0) {
    const cuttable = widths.map((width, index) => (kinds[index]?.whole === true ? 0 : width));
    const widest = cuttable.indexOf(Math.max(...cuttable));
    const width = cuttable[widest] ?? 0;
    if (width <= NARROWEST) break;
    widths[widest] = width - 1;
    excess -= 1;
  }
  return widths;
}

function shown(cell: string | number | null): string {
  if (cell === null || cell === "") return "–";
  return typeof cell === "number" ? String(cell) : oneLine(cell);
}
